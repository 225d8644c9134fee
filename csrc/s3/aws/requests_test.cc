#include "s3/aws/requests.h"

#include <gtest/gtest.h>

#include "base/uri.h"

namespace objectpipes {
namespace {

std::string PathFor(const std::string& endpoint, const std::string& key) {
  Aws::Http::URI uri(endpoint + "/" + kPlaceholder);
  SetKeyInPath(key, &uri);
  return std::string(View(uri.GetURLEncodedPathRFC3986()));
}

TEST(SetKeyInPath, KeepsEveryByteOfTheKey) {
  for (const std::string key :
       {"key",  "a/b",     "a//b", "/a",          "//a",      "a/",          "a//",
        "/",    "//",      "a b",  "a+b",         "a%2Fb",    "a?b#c",       "$&,:=@;!'()*",
        "~-._", ".hidden", "...",  "caf\xC3\xA9", "\xFF\x01", "line\nbreak", "key/key"}) {
    EXPECT_EQ(PathFor("http://host:9000/bucket", key), "/bucket/" + UriEncodePath(key));
    EXPECT_EQ(PathFor("https://bucket.host", key), "/" + UriEncodePath(key));
    EXPECT_EQ(PathFor("http://host/base/path/bucket", key),
              "/base/path/bucket/" + UriEncodePath(key));
  }
}

TEST(SetKeyInPath, DoesNotDependOnTheSettingOfTheProcess) {
  Aws::Http::SetPreservePathSeparators(true);
  EXPECT_EQ(PathFor("http://host/bucket", "/a//b/"), "/bucket//a//b/");
  EXPECT_EQ(PathFor("https://bucket.host", "/a//b/"), "//a//b/");
  Aws::Http::SetPreservePathSeparators(false);
}

TEST(CheckKey, RefusesWhatTheHttpClientWouldRewrite) {
  for (const std::string key : {"..", ".", "a/../b", "./a", "a/."}) {
    EXPECT_EQ(CheckKey(key).code(), StatusCode::kNotSupported) << key;
  }
  EXPECT_EQ(CheckKey(std::string("a\0b", 3)).code(), StatusCode::kNotSupported);
  for (const std::string key : {"...", "a.b", ".a", "a..", "a//b", "/"}) {
    EXPECT_TRUE(CheckKey(key).ok()) << key;
  }
}

TEST(PageRequest, AsksForEveryVersionOfListing) {
  const auto query_of = [](const ListRequest& list) {
    const PageRequest request(list, ListVersion::kV2, RequestOptions{}, nullptr);
    Aws::Http::URI uri("http://host/bucket?list-type=2");
    request.AddQueryStringParameters(uri);
    uri.CanonicalizeQueryString();
    return std::string(View(uri.GetQueryString()));
  };
  ListRequest list;
  list.bucket = "bucket";
  list.prefix = "a b/";
  EXPECT_EQ(query_of(list), "?encoding-type=url&list-type=2&prefix=a%20b%2F");
  list.token = "marker=a%20b/c";
  EXPECT_EQ(query_of(list).find("list-type"), std::string::npos);
}

}  // namespace
}  // namespace objectpipes
