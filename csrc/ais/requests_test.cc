#include "ais/requests.h"

#include <gtest/gtest.h>

#include <string>

#include "ais/list_page.h"

namespace objectpipes::ais {
namespace {

using std::string_literals::operator""s;

const ObjectId kObject{"ais/@#/bck", "dir/obj"};
const ObjectId kForeign{"aws/@uuid#ns/b", "k"};

TEST(ObjectUri, NamesProviderAndNamespace) {
  EXPECT_EQ(ObjectUri(kObject, {}), "/v1/objects/bck/dir/obj?provider=ais");
  EXPECT_EQ(ObjectUri(kForeign, {}), "/v1/objects/b/k?namespace=%40uuid%23ns&provider=aws");
}

TEST(ObjectUri, EncodesEveryByteThatIsNotPlain) {
  const ObjectId object{"ais/@#/b", "/a//b c+%?#&\"\t\r\n\0\x7F\xC3\xA9/../~"s};
  EXPECT_EQ(ObjectUri(object, {}),
            "/v1/objects/b//a//b%20c%2B%25%3F%23%26%22%09%0D%0A%00%7F%C3%A9/../~?provider=ais");
}

TEST(ObjectUri, CarriesOptions) {
  ReadOptions options;
  options.archpath = "dir/a b&c";
  EXPECT_EQ(ObjectUri(kObject, options),
            "/v1/objects/bck/dir/obj?archpath=dir%2Fa%20b%26c&provider=ais");
  options = {};
  options.etl_name = "resize";
  options.etl_args = "{\"w\":3}";
  options.latest = true;
  EXPECT_EQ(ObjectUri(kObject, options),
            "/v1/objects/bck/dir/obj?etl_args=%7B%22w%22%3A3%7D&etl_name=resize&latest-ver=true"
            "&provider=ais");
}

TEST(BucketUri, AsksForTheBucketAlone) {
  EXPECT_EQ(BucketUri(kForeign.bucket), "/v1/buckets/b?namespace=%40uuid%23ns&provider=aws");
}

TEST(FollowRedirect, TakesAuthorityAndQueryOnly) {
  EXPECT_EQ(FollowRedirect("http://127.0.0.1:53081/v1/objects/bck/dir/obj?provider=ais&pid=p&utm=1",
                           "http://h:2" + ObjectUri(kObject, {}))
                .value(),
            "http://127.0.0.1:53081/v1/objects/bck/dir/obj?provider=ais&pid=p&utm=1");
}

TEST(FollowRedirect, TheNameInALocationIsNotEncoded) {
  for (const std::string& key :
       {"a\tb"s, "a b"s, "a?b"s, "a?provider=x"s, "a#b"s, "a/b"s, "\x7F"s}) {
    const std::string uri = ObjectUri({"ais/@#/b", key}, {});
    EXPECT_EQ(FollowRedirect("https://h:1/v1/objects/b/" + key + "?provider=ais&pid=p",
                             "http://h:2" + uri)
                  .value(),
              "https://h:1" + uri + "&pid=p");
  }
}

TEST(FollowRedirect, RefusesWhatIsNoTarget) {
  for (const std::string& location :
       {""s, "/v1/objects/b/k"s, "?pid=p"s, "h:1/v1?pid=p"s, "http://u@h/v1?pid=p"s,
        "ftp://h/v1?pid=p"s, "http:///v1?pid=p"s, "http://h:1?pid=p"s, "http://h:1/v1/objects/b/k"s,
        "http://h:1/k?a\r\nX: y"s, "http://h 1/k?pid=p"s, "http://h\r\nX: y/k?pid=p"s}) {
    EXPECT_EQ(FollowRedirect(location, "http://g:2/v1/objects/b/k?provider=ais").status().code(),
              StatusCode::kProtocol)
        << location;
  }
}

TEST(FollowRedirect, TakesReferences) {
  const char asked[] = "https://g:2/v1/objects/b/k?provider=ais";
  EXPECT_EQ(FollowRedirect("/v1/objects/b/k?pid=p", asked).value(),
            "https://g:2/v1/objects/b/k?pid=p");
  EXPECT_EQ(FollowRedirect("k?pid=p", asked).value(), "https://g:2/v1/objects/b/k?pid=p");
  EXPECT_EQ(FollowRedirect("//h:1/v1/objects/b/k?pid=p", asked).value(),
            "https://h:1/v1/objects/b/k?pid=p");
}

TEST(FollowRedirect, StaysEncrypted) {
  const char asked[] = "https://g:2/v1/objects/b/k?provider=ais";
  EXPECT_EQ(FollowRedirect("http://g:2/v1/objects/b/k?pid=p", asked).status().code(),
            StatusCode::kEndpoint);
  EXPECT_EQ(FollowEtlRedirect("http://etl/k", asked).status().code(), StatusCode::kEndpoint);
  EXPECT_TRUE(FollowRedirect("https://h:1/v1/objects/b/k?pid=p", asked).ok());
}

TEST(FollowEtlRedirect, GoesWhereverItLeads) {
  const char asked[] = "http://t:2/v1/objects/b/k?etl_name=e";
  for (const auto& location : {"http://10.0.0.1:8000/ais/b/k"s, "https://etl/k?etl_args=x"s}) {
    EXPECT_EQ(FollowEtlRedirect(location, asked).value(), location);
  }
  EXPECT_EQ(FollowEtlRedirect("/ais/b/k", asked).value(), "http://t:2/ais/b/k");
  EXPECT_EQ(FollowEtlRedirect("http://etl/a b", asked).value(), "http://etl/a%20b");
  for (const auto& location : {""s, "ftp://etl/k"s, "http://etl/a\nb"s}) {
    EXPECT_EQ(FollowEtlRedirect(location, asked).status().code(), StatusCode::kProtocol)
        << location;
  }
}

TEST(ListBody, AsksForAManifest) {
  ListRequest request;
  request.bucket = kObject.bucket;
  EXPECT_EQ(BucketUri(request.bucket), "/v1/buckets/bck?provider=ais");
  EXPECT_EQ(ListBody(request).value(),
            R"({"action":"list","value":{"props":"name,size,checksum,version","prefix":"",)"
            R"("start_after":"","uuid":"","continuation_token":"","flags":"0","pagesize":0}})");
}

TEST(ListBody, TakesNamesByteForByte) {
  ListRequest request;
  request.prefix = "a \"b\\\t\n\x01\x7F\xC3\xA9\xFF\0/"s;
  const std::string body = ListBody(request).value();
  const std::string expected =
      "\"prefix\":\"a \\\"b\\\\\\u0009\\u000a\\u0001\x7F\xC3\xA9\xFF\\u0000/\"";
  EXPECT_NE(body.find(expected), std::string::npos) << body;
}

TEST(ListBody, BeginsWhereItIsTold) {
  ListRequest request;
  request.start_after = "p0";
  const std::string body = ListBody(request).value();
  EXPECT_NE(body.find("\"start_after\":\"p0\""), std::string::npos) << body;
}

TEST(ListBody, GoesOnWhereThePageEnded) {
  ListRequest request;
  request.start_after = "p0";
  request.token = JoinListToken({"gb2PtUHX8", "p1/o02491"});
  const std::string body = ListBody(request).value();
  EXPECT_NE(body.find("\"uuid\":\"gb2PtUHX8\""), std::string::npos) << body;
  EXPECT_NE(body.find("\"continuation_token\":\"p1/o02491\""), std::string::npos) << body;
  EXPECT_EQ(body.find("start_after"), std::string::npos) << "it would win: " << body;
}

TEST(ListBody, BeginsAnotherJobForAPageThatIsAskedForAgain) {
  ListRequest request;
  request.token = JoinListToken({"gb2PtUHX8", "p1/o02491"});
  request.route = Route::kFallback;
  const std::string body = ListBody(request).value();
  EXPECT_NE(body.find("\"uuid\":\"\""), std::string::npos) << body;
  EXPECT_NE(body.find("\"continuation_token\":\"p1/o02491\""), std::string::npos) << body;
}

TEST(ListBody, SetsFlagsAsText) {
  ListRequest request;
  request.archive_members = true;
  EXPECT_NE(ListBody(request).value().find("\"flags\":\"8\""), std::string::npos);
  request.archive_members = false;
  request.delimiter = "/";
  EXPECT_NE(ListBody(request).value().find("\"flags\":\"2048\""), std::string::npos);
  request.delimiter = "-";
  EXPECT_EQ(ListBody(request).status().code(), StatusCode::kNotSupported);
}

}  // namespace
}  // namespace objectpipes::ais
