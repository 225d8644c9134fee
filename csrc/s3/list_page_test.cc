#include "s3/list_page.h"

#include <gtest/gtest.h>

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
  EXPECT_EQ(page.entries[0].mtime, -1);
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

TEST(ParseListPage, RefusesToStopEarly) {
  for (const char* parts :
       {"", "<IsTruncated/>", "<IsTruncated>yes</IsTruncated>", "<IsTruncated>true</IsTruncated>",
        "<IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>"
        "<Contents><Key>k</Key><Size>1</Size></Contents>",
        "<IsTruncated>true</IsTruncated><KeyCount>0</KeyCount><NextContinuationToken/>"}) {
    EXPECT_EQ(ParseListPage(Listing(parts)).status().code(), StatusCode::kProtocol) << parts;
  }
}

TEST(ParseListPage, RefusesEveryProperBeginningOfAListing) {
  const std::string whole = LastPage(std::string("<EncodingType>url</EncodingType>") + kObject +
                                     "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>");
  ASSERT_TRUE(ParseListPage(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(ParseListPage(whole.substr(0, size)).status().code(), StatusCode::kProtocol) << size;
  }
}

TEST(ParseListPage, RefusesObjectsThatLackKeyOrSize) {
  for (const char* contents :
       {"", "<Key>k</Key>", "<Size>1</Size>", "<Key/><Size>1</Size>", "<Key>k</Key><Size/>",
        "<Key>k</Key><Size>-1</Size>", "<Key>k</Key><Size>1x</Size>",
        "<Key>k</Key><Size>99999999999999999999</Size>",
        "<Key>k</Key><Size>1</Size><LastModified>yesterday</LastModified>"}) {
    const std::string body = LastPage("<Contents>" + std::string(contents) + "</Contents>");
    EXPECT_EQ(ParseListPage(body).status().code(), StatusCode::kProtocol) << contents;
  }
  EXPECT_FALSE(ParseListPage(LastPage("<CommonPrefixes/>")).ok());
  EXPECT_FALSE(ParseListPage(LastPage("<EncodingType>url</EncodingType>" + Object("%zz"))).ok());
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
  request.max_keys = 10;
  EXPECT_EQ(QueryOf(request),
            "delimiter=%2F&encoding-type=url&list-type=2&max-keys=10&prefix=a%20b%2F"
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

TEST(AppendToPage, RefusesWhatIsLongerThanAnyPage) {
  const std::string most(size_t{64} << 20, ' ');
  std::string body;
  EXPECT_TRUE(AppendToPage(most.data(), most.size(), &body).ok());
  EXPECT_EQ(AppendToPage(" ", 1, &body).code(), StatusCode::kProtocol);
  EXPECT_EQ(body.size(), most.size());
}

}  // namespace
}  // namespace objectpipes
