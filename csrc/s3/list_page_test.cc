#include "s3/list_page.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace objectpipes {
namespace {

using std::string_literals::operator""s;

const char kObject[] =
    "<Contents><Key>a/key</Key><LastModified>2013-05-24T00:00:00.500Z</LastModified>"
    "<ETag>&quot;0123abcd&quot;</ETag><Size>434234</Size><StorageClass>STANDARD</StorageClass>"
    "</Contents>";

std::string Listing(const std::string& parts) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>" +
         parts + "</ListBucketResult>";
}

std::string LastPage(const std::string& parts) {
  return Listing("<IsTruncated>false</IsTruncated>" + parts);
}

std::string Object(const std::string& key) {
  return "<Contents><Key>" + key + "</Key><Size>1</Size></Contents>";
}

std::vector<std::string> KeysOf(const std::string& body) {
  const ListPage page = ParseListPage(body).value();
  std::vector<std::string> keys;
  for (const ListEntry& entry : page.entries) keys.emplace_back(page.view(entry.key));
  return keys;
}

using Keys = std::vector<std::string>;

TEST(ParseListPage, ReadsWhatIsKnownOfAnObject) {
  const ListPage page = ParseListPage(LastPage(kObject)).value();
  ASSERT_EQ(page.entries.size(), 1U);
  const ListEntry& entry = page.entries[0];
  EXPECT_EQ(page.view(entry.key), "a/key");
  EXPECT_EQ(page.view(entry.etag), "0123abcd");
  EXPECT_EQ(entry.size, 434234);
  EXPECT_EQ(entry.mtime, 1369353600.5);
  EXPECT_FALSE(entry.is_prefix);
  EXPECT_EQ(page.next_token, "");
}

TEST(ParseListPage, AcceptsAnEmptyListing) {
  EXPECT_EQ(KeysOf(LastPage("")), Keys{});
  EXPECT_EQ(KeysOf(LastPage("<Prefix/><Marker></Marker>")), Keys{});
}

TEST(ParseListPage, KeepsTheServersOrder) {
  EXPECT_EQ(KeysOf(LastPage(Object("b") + Object("a") + Object("c"))), (Keys{"b", "a", "c"}));
}

TEST(ParseListPage, PutsCommonPrefixesAmongTheKeys) {
  const ListPage page =
      ParseListPage(LastPage(Object("a") + Object("c") +
                             "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>"
                             "<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>"))
          .value();
  ASSERT_EQ(page.entries.size(), 4U);
  EXPECT_EQ(page.view(page.entries[1].key), "b/");
  EXPECT_TRUE(page.entries[1].is_prefix);
  EXPECT_EQ(page.entries[1].size, -1);
  EXPECT_EQ(page.view(page.entries[2].key), "c");
  EXPECT_FALSE(page.entries[2].is_prefix);
  EXPECT_EQ(page.view(page.entries[3].key), "d/");
}

TEST(ParseListPage, DecodesKeysOnlyIfTheServerEncodedThem) {
  const std::string objects =
      Object("a+b%2Bc%20d%0A%00%C3%A9") + "<CommonPrefixes><Prefix>x+y/</Prefix></CommonPrefixes>";
  EXPECT_EQ(KeysOf(LastPage("<EncodingType>url</EncodingType>" + objects)),
            (Keys{"a b+c d\n\0\xC3\xA9"s, "x y/"}));
  EXPECT_EQ(KeysOf(LastPage(objects)), (Keys{"a+b%2Bc%20d%0A%00%C3%A9", "x+y/"}));
  // Wherever the server puts the element.
  EXPECT_EQ(KeysOf(LastPage(Object("a%20b") + "<EncodingType>url</EncodingType>")), Keys{"a b"});
}

TEST(ParseListPage, KeepsAwkwardKeysThatAreNotEncoded) {
  EXPECT_EQ(
      KeysOf(LastPage(Object(" ") + Object("&lt;&amp;&gt;&quot;&apos;") + Object("a&#13;&#xA;b") +
                      Object("<![CDATA[<x> ]]>") + Object("a\nb") + Object(" a  "))),
      (Keys{" ", "<&>\"'", "a\r\nb", "<x> ", "a\nb", " a  "}));
}

TEST(ParseListPage, BearsWithEmptyAndUnknownElementsAndIndentation) {
  const ListPage page =
      ParseListPage(LastPage("\n  <Contents>\n    <ETag></ETag>\n    <Size>0</Size>\n"
                             "    <StorageClass/>\n    <LastModified/>\n    <Key>k</Key>\n"
                             "    <Owner><ID>i</ID><Key>not this</Key></Owner>\n  </Contents>\n"
                             "  <News at='x'>?</News>\n"))
          .value();
  ASSERT_EQ(page.entries.size(), 1U);
  EXPECT_EQ(page.view(page.entries[0].key), "k");
  EXPECT_EQ(page.view(page.entries[0].etag), "");
  EXPECT_EQ(page.entries[0].size, 0);
  EXPECT_TRUE(std::isnan(page.entries[0].mtime));
}

TEST(ParseListPage, RefusesObjectsThatContradictThemselves) {
  const auto status = [](const std::string& facts) {
    return ParseListPage(LastPage("<Contents>" + facts + "</Contents>")).status();
  };
  for (const std::string name : {"Size", "ETag", "LastModified"}) {
    const auto fact = [&name](const std::string& value) {
      return "<" + name + ">" + value + "</" + name + ">";
    };
    EXPECT_TRUE(status("<Key>k</Key>" + fact("1") + fact(" 1 ")).ok()) << name << " is repeated";
    for (const std::string& two :
         {fact("1") + fact("2"), fact("") + fact("2"), fact("1") + fact(""),
          fact("1") + "<Key>k</Key><s3:" + name + ">2</s3:" + name + ">",
          fact("1") + fact("1") + fact("2")}) {
      const std::string key = two.find("<Key>") == std::string::npos ? "<Key>k</Key>" : "";
      const Status refused = status(key + two);
      EXPECT_EQ(refused.code(), StatusCode::kProtocol) << two;
      EXPECT_NE(refused.message().find(name), std::string::npos) << refused.message();
    }
  }
  for (const std::string keys : {"<Key>a</Key><Key>b</Key>", "<Key>a</Key><Key>a</Key>",
                                 "<Key/><Key>a</Key>", "<Key>a</Key><Key/>"}) {
    EXPECT_EQ(status(keys).code(), StatusCode::kProtocol) << keys;
  }
}

TEST(ParseListPage, StripsOnlyAPairOfQuotesFromETags) {
  for (const auto& [etag, expected] : {std::pair("\"a-2\"", "a-2"), std::pair("a-2", "a-2"),
                                       std::pair("\"a", "\"a"), std::pair("\"", "\"")}) {
    const ListPage page = ParseListPage(LastPage("<Contents><Key>k</Key><Size>1</Size><ETag>" +
                                                 std::string(etag) + "</ETag></Contents>"))
                              .value();
    EXPECT_EQ(page.view(page.entries[0].etag), expected);
  }
}

std::string NextTokenOf(const std::string& parts) {
  return ParseListPage(Listing("<IsTruncated>true</IsTruncated>" + parts)).value().next_token;
}

TEST(ParseListPage, GoesOnInTheMannerOfTheServer) {
  EXPECT_EQ(
      NextTokenOf("<KeyCount>0</KeyCount><NextContinuationToken>1+/=</NextContinuationToken>"),
      "continuation-token=1+/=");
  EXPECT_EQ(NextTokenOf("<NextMarker>m[minio:2]</NextMarker>" + Object("k")), "marker=m[minio:2]");
  EXPECT_EQ(NextTokenOf("<EncodingType>url</EncodingType><NextMarker>a+b%3D</NextMarker>"),
            "marker=a b=");
  EXPECT_EQ(NextTokenOf(Object("j") + Object("k")), "marker=k");
  EXPECT_EQ(NextTokenOf("<CommonPrefixes><Prefix>z/</Prefix></CommonPrefixes>" + Object("k")),
            "marker=z/");
}

TEST(ParseListPage, IgnoresATokenOnTheLastPage) {
  EXPECT_EQ(ParseListPage(LastPage("<NextContinuationToken>t</NextContinuationToken>"))
                .value()
                .next_token,
            "");
}

TEST(ParseListPage, AsksOnlyWhereTheListingGoesOn) {
  const std::string full = "<MaxKeys>2</MaxKeys>" + Object("j") + Object("k");
  const struct {
    std::string parts;
    const char* next_token;
  } kCases[] = {
      {"", ""},
      {"<IsTruncated/>" + Object("k"), ""},
      {"<IsTruncated>False</IsTruncated>" + full, ""},
      {"<IsTruncated> false\n</IsTruncated>" + full, ""},
      {"<IsTruncated>0</IsTruncated>" + full, ""},
      {"<IsTruncated>True</IsTruncated>" + Object("k"), "marker=k"},
      {"<IsTruncated>\n TRUE</IsTruncated>" + Object("k"), "marker=k"},
      {"<IsTruncated>1</IsTruncated>" + Object("k"), "marker=k"},
      // Where the server does not say whether this is the last page, a token or a full page does.
      {"<NextContinuationToken>t</NextContinuationToken>", "continuation-token=t"},
      {"<NextContinuationToken>\n  t\n</NextContinuationToken>", "continuation-token=t"},
      {"<NextMarker>m</NextMarker>" + Object("k"), "marker=m"},
      {"<NextMarker/>" + Object("k"), ""},
      {full, "marker=k"},
      {"<KeyCount>2</KeyCount>" + full, "start-after=k"},
  };
  for (const auto& c : kCases) {
    const Result<ListPage> page = ParseListPage(Listing(c.parts));
    ASSERT_TRUE(page.ok()) << c.parts;
    EXPECT_EQ(page.value().next_token, c.next_token) << c.parts;
  }
}

TEST(ParseListPage, GoesOnWithMarkersWhereItWasAskedThatWay) {
  const auto next_token = [](const std::string& parts) {
    return ParseListPage(Listing("<IsTruncated>true</IsTruncated>" + parts), ListVersion::kV1)
        .value()
        .next_token;
  };
  EXPECT_EQ(next_token(Object("j") + Object("k")), "marker=k");
  EXPECT_EQ(next_token("<KeyCount>1</KeyCount>" + Object("k")), "marker=k");
  EXPECT_EQ(next_token("<NextMarker>m</NextMarker>" + Object("k")), "marker=m");
  EXPECT_EQ(next_token("<NextContinuationToken>t</NextContinuationToken><KeyCount/>" + Object("k")),
            "marker=k");
  EXPECT_EQ(next_token("<EncodingType>url</EncodingType>" + Object("a+b%2B")), "marker=a b+");
  EXPECT_EQ(next_token(Object("k") + "<CommonPrefixes><Prefix>z/</Prefix></CommonPrefixes>"),
            "marker=z/");
}

TEST(ParseListPage, RefusesToStopEarly) {
  for (const char* parts :
       {"<IsTruncated>yes</IsTruncated>", "<IsTruncated>true</IsTruncated>",
        "<IsTruncated>false</IsTruncated><IsTruncated>true</IsTruncated>",
        "<EncodingType>url</EncodingType><EncodingType/>",
        "<IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>"
        "<Contents><Key>k</Key><Size>1</Size></Contents>",
        "<IsTruncated>true</IsTruncated><KeyCount>0</KeyCount><NextContinuationToken/>"}) {
    EXPECT_EQ(ParseListPage(Listing(parts)).status().code(), StatusCode::kProtocol) << parts;
  }
}

TEST(ParseListPage, ReadsWhatOtherWritersOfXmlMake) {
  const std::string body =
      "\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<!-- c -->\n"
      "<s3:ListBucketResult xmlns:s3='urn:x'>\n"
      "  <s3:EncodingType>\n url\n </s3:EncodingType>\n"
      "  <s3:IsTruncated>\n false\n </s3:IsTruncated>\n"
      "  <s3:Contents>\n    <s3:Key>a%20b</s3:Key>\n    <s3:Size>\n 5\n </s3:Size>\n"
      "    <s3:ETag>\n \"v\"\n </s3:ETag>\n"
      "    <s3:LastModified>\n 2013-05-24T00:00:00 </s3:LastModified>\n  </s3:Contents>\n"
      "  <s3:CommonPrefixes>\n <s3:Prefix>x/</s3:Prefix>\n </s3:CommonPrefixes>\n"
      "  <s3:CommonPrefixes/>\n"
      "</s3:ListBucketResult>\n";
  const ListPage page = ParseListPage(body).value();
  ASSERT_EQ(page.entries.size(), 2U);
  EXPECT_EQ(page.view(page.entries[0].key), "a b");
  EXPECT_EQ(page.entries[0].size, 5);
  EXPECT_EQ(page.view(page.entries[0].etag), "v");
  EXPECT_EQ(page.entries[0].mtime, 1369353600);
  EXPECT_EQ(page.view(page.entries[1].key), "x/");
}

TEST(ParseListPage, JoinsTheTextOfAKey) {
  EXPECT_EQ(KeysOf(LastPage(Object("a<!-- c -->b") + Object("a<![CDATA[&amp;]]>b") +
                            Object("<![CDATA[a]]>&amp;b") + Object(" <![CDATA[x]]>\n") +
                            Object("&#xE4;&#8364;&#x1F600;") + Object("a<?x y?>b"))),
            (Keys{"ab", "a&amp;b", "a&b", " x\n", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "ab"}));
}

TEST(ParseListPage, DoesNotKnowWhatItCannotRead) {
  for (const char* fields :
       {"", "<Size/>", "<Size>-1</Size>", "<Size>1x</Size>", "<Size>99999999999999999999</Size>",
        "<LastModified>yesterday</LastModified>",
        "<LastModified>2013-02-30T00:00:00Z</LastModified>",
        "<Size><x/></Size><LastModified>&nbsp;</LastModified><ETag>&nbsp;</ETag>"}) {
    const Result<ListPage> page =
        ParseListPage(LastPage("<Contents><Key>k</Key>" + std::string(fields) + "</Contents>"));
    ASSERT_TRUE(page.ok()) << fields;
    const ListEntry& entry = page.value().entries.at(0);
    EXPECT_EQ(page.value().view(entry.key), "k") << fields;
    EXPECT_EQ(entry.size, -1) << fields;
    EXPECT_TRUE(std::isnan(entry.mtime)) << fields;
    EXPECT_EQ(page.value().view(entry.etag), "") << fields;
  }
}

TEST(ParseListPage, RefusesNamesThatItCouldChange) {
  for (const std::string& key :
       {"a&nbsp;b"s, "a&b"s, "a&amp"s, "a&#0;b"s, "a&#xD800;"s, "a&#x110000;"s, "a&#12z;"s,
        "a<x/>b"s, "a\0b"s, "a\x01"s, "\xE4"s, "\xC0\xAF"s, "\xE0\x80\x80"s, "\xED\xA0\x80"s,
        "\xF4\x90\x80\x80"s, "\xE2\x82"s, "k</Key><Key>l"s}) {
    EXPECT_EQ(ParseListPage(LastPage(Object(key))).status().code(), StatusCode::kProtocol) << key;
  }
  EXPECT_FALSE(ParseListPage(LastPage("") + "<ListBucketResult/>").ok());
  EXPECT_FALSE(ParseListPage("<!DOCTYPE x [<!ENTITY e 'k'>]>" + Listing(Object("&e;"))).ok());
}

TEST(ParseListPage, RefusesOtherEncodings) {
  const std::string page = "<ListBucketResult>" + Object("k") + "</ListBucketResult>";
  for (const char* encoding : {"ISO-8859-1", "windows-1252", "UTF-16", "UTF-7", "Shift_JIS"}) {
    for (const char quote : {'"', '\''}) {
      const std::string declared =
          std::string("<?xml version=\"1.0\" encoding = ") + quote + encoding + quote + "?>" + page;
      const Status status = ParseListPage(declared).status();
      EXPECT_EQ(status.code(), StatusCode::kProtocol) << encoding;
      EXPECT_NE(status.message().find(encoding), std::string::npos) << status.message();
    }
  }
  for (const char* encoding : {"UTF-8", "utf-8", "utf8", "US-ASCII"}) {
    EXPECT_EQ(KeysOf("<?xml version=\"1.0\" encoding=\"" + std::string(encoding) + "\"?>" + page),
              Keys{"k"})
        << encoding;
  }
  std::string utf16 = "\xFF\xFE";
  for (const char c : page) utf16.append({c, '\0'});
  EXPECT_EQ(ParseListPage(utf16).status().code(), StatusCode::kProtocol);
  EXPECT_EQ(ParseListPage(utf16.substr(2)).status().code(), StatusCode::kProtocol);
}

TEST(ParseListPage, RefusesEveryProperBeginningOfAListing) {
  const std::string whole = LastPage(std::string("<EncodingType>url</EncodingType>") + kObject +
                                     "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>");
  ASSERT_TRUE(ParseListPage(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(ParseListPage(whole.substr(0, size)).status().code(), StatusCode::kProtocol) << size;
  }
}

TEST(ParseListPage, RefusesObjectsWithoutAKey) {
  for (const char* contents : {"", "<Size>1</Size>", "<Key/><Size>1</Size>"}) {
    const std::string body = LastPage("<Contents>" + std::string(contents) + "</Contents>");
    EXPECT_EQ(ParseListPage(body).status().code(), StatusCode::kProtocol) << contents;
  }
  EXPECT_FALSE(ParseListPage(LastPage("<CommonPrefixes><Prefix/></CommonPrefixes>")).ok());
  EXPECT_FALSE(ParseListPage(LastPage("<EncodingType>url</EncodingType>" + Object("%zz"))).ok());
  EXPECT_FALSE(ParseListPage(LastPage("<EncodingType>base64</EncodingType>" + Object("YQ"))).ok());
}

TEST(ParseListPage, RefusesWhatIsNoListing) {
  for (const char* body :
       {"", "{}", "<html></html>", "<Error><Code>SlowDown</Code></Error>", "<ListBucketResult",
        "<ListBucketResults></ListBucketResults>", "<ListBucketResult></Other>"}) {
    EXPECT_EQ(ParseListPage(body).status().code(), StatusCode::kProtocol) << body;
  }
}

std::string QueryOf(const ListRequest& request) { return CanonicalQuery(ListQuery(request)); }

TEST(ListQuery, AsksForTheFirstPageInTheMannerOfV2) {
  ListRequest request;
  request.prefix = "a b/";
  EXPECT_EQ(QueryOf(request), "encoding-type=url&list-type=2&prefix=a%20b%2F");
  request.delimiter = "/";
  request.start_after = "a b/c";
  EXPECT_EQ(QueryOf(request),
            "delimiter=%2F&encoding-type=url&list-type=2&prefix=a%20b%2F"
            "&start-after=a%20b%2Fc");
}

TEST(ListQuery, AsksForTheFirstPageInTheMannerOfV1) {
  ListRequest request;
  request.start_after = "a b/c";
  EXPECT_EQ(CanonicalQuery(ListQuery(request, ListVersion::kV1)),
            "encoding-type=url&marker=a%20b%2Fc&prefix=");
}

TEST(ListQuery, GoesOnWhereThePageBeforeEnded) {
  ListRequest request;
  request.start_after = "not again";
  request.token = NextTokenOf("<NextContinuationToken>1+/=</NextContinuationToken>");
  EXPECT_EQ(QueryOf(request),
            "continuation-token=1%2B%2F%3D&encoding-type=url&list-type=2&prefix=");
  request.token = NextTokenOf("<NextMarker>a=b</NextMarker>");
  EXPECT_EQ(QueryOf(request), "encoding-type=url&marker=a%3Db&prefix=");
}

TEST(KnowsNoV2, IsSaidOfAServerThatDoesNotSupportTheFirstPage) {
  const Status refusal(StatusCode::kNotSupported, "");
  EXPECT_TRUE(KnowsNoV2(refusal, /*first_page=*/true, ListVersion::kV2));
  EXPECT_FALSE(KnowsNoV2(refusal, /*first_page=*/true, ListVersion::kV1));
  EXPECT_FALSE(KnowsNoV2(refusal, /*first_page=*/false, ListVersion::kV2));
  EXPECT_FALSE(KnowsNoV2(Status::Ok(), /*first_page=*/true, ListVersion::kV2));
}

// Which would take sixteen times its size in memory.
TEST(ParseListPage, RefusesMoreElementsThanAnyPageHas) {
  const auto page_of = [](int elements) {
    std::string parts;
    for (int i = 0; i < elements; ++i) parts += "<a/>";
    return ParseListPage(LastPage(parts), ListVersion::kV2);
  };
  EXPECT_TRUE(page_of(900'000).ok());
  EXPECT_EQ(page_of(1'000'000).status().code(), StatusCode::kProtocol);
  EXPECT_FALSE(ParseListPage(std::string(1'000'001, '<'), ListVersion::kV2).ok());
}

TEST(AppendToPage, RefusesWhatIsLongerThanAnyPage) {
  const std::string most(size_t{64} << 20, ' ');
  std::string body;
  EXPECT_TRUE(AppendToPage(most.data(), most.size(), &body).ok());
  EXPECT_EQ(AppendToPage(" ", 1, &body).code(), StatusCode::kProtocol);
  EXPECT_EQ(body.size(), most.size());
}

}  // namespace
}  // namespace objectpipes
