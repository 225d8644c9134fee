#include "ais/url.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes::ais {
namespace {

using std::string_literals::operator""s;

TEST(AisUrl, MapsEverySchemeToItsProvider) {
  const struct {
    const char* scheme;
    const char* provider;
  } kCases[] = {
      {"ais", "ais"},     {"aws", "aws"},  {"s3", "aws"},  {"gcp", "gcp"}, {"gs", "gcp"},
      {"azure", "azure"}, {"az", "azure"}, {"oci", "oci"}, {"oc", "oci"},  {"AIS", "ais"},
  };
  for (const auto& [scheme, provider] : kCases) {
    const Url url = ParseUrl(scheme + "://bck/dir/obj"s).value();
    EXPECT_EQ(url.object.bucket, provider + "/@#/bck"s) << scheme;
    EXPECT_EQ(url.object.key, "dir/obj") << scheme;
  }
}

TEST(AisUrl, TakesTheNameByteForByte) {
  const std::string name = "/a?x=1#f&%2F +\t\n\0\xC3\xA9/"s;
  EXPECT_EQ(ParseUrl("ais://b/" + name).value().object.key, name);
}

TEST(AisUrl, AllowsAnEmptyPrefix) {
  for (const char* text : {"ais://b", "ais://b/"}) {
    const Url url = ParseUrl(text).value();
    EXPECT_EQ(url.object.bucket, "ais/@#/b");
    EXPECT_EQ(url.object.key, "");
    EXPECT_EQ(url.root, "ais://b/");
  }
}

TEST(AisUrl, UnderstandsEveryFormOfANamespace) {
  const struct {
    const char* url;
    const char* bucket;
  } kCases[] = {
      {"ais://@uuid#ns/b/k", "ais/@uuid#ns/b"},
      {"ais://@uuid/b/k", "ais/@uuid#/b"},
      {"ais://@#ns/b/k", "ais/@#ns/b"},
      {"ais://#ns/b/k", "ais/@#ns/b"},
      {"ais://@#/b/k", "ais/@#/b"},
      {"ais://@/b/k", "ais/@#/b"},
  };
  for (const auto& [text, bucket] : kCases) {
    const Url url = ParseUrl(text).value();
    EXPECT_EQ(url.object.bucket, bucket) << text;
    EXPECT_EQ(url.root + url.object.key, text);
  }
}

TEST(AisUrl, TheRootKeepsWhatWasWritten) {
  EXPECT_EQ(ParseUrl("gs://b/prefix").value().root, "gs://b/");
  EXPECT_EQ(ParseUrl("S3://b/prefix").value().root, "s3://b/") << "as urllib.parse lowers schemes";
  EXPECT_EQ(ParseUrl("ais://@u#n/b").value().root, "ais://@u#n/b/");
}

TEST(AisUrl, RefusesWithAReason) {
  const struct {
    const char* url;
    const char* reason;
  } kCases[] = {
      {"", "is not an AIStore URL"},
      {"ais:", "is not an AIStore URL"},
      {"ais:/b/k", "is not an AIStore URL"},
      {"bucket/key", "is not an AIStore URL"},
      {"://b/k", "provider"},
      {" ais://b/k", "provider"},
      {"http://localhost:8080/v1", "provider"},
      {"ht://b/k", "provider"},
      {"ais://", "does not name a bucket"},
      {"ais:///k", "does not name a bucket"},
      {"ais://@u#n", "does not name a bucket"},
      {"ais://@u#n/", "does not name a bucket"},
      {"ais://b?x/k", "bucket name"},
      {"ais://b#x", "bucket name"},
      {"ais://b..c/k", "bucket name"},
      {"ais://b%20/k", "bucket name"},
      {"ais://host:8080/k", "bucket name"},
      {"ais://@u u#n/b", "namespace"},
      {"ais://@u#n#m/b", "namespace"},
      {"ais://@@u/b", "namespace"},
  };
  for (const auto& [url, reason] : kCases) {
    const Status status = ParseUrl(url).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << url;
    EXPECT_NE(status.message().find(reason), std::string::npos) << status.message();
    EXPECT_EQ(status.message().find('"' + std::string(url) + '"'), 0U) << status.message();
    EXPECT_EQ(ParseObjectUrl(url).status().message(), status.message());
  }
}

TEST(AisObjectUrl, NeedsAName) {
  EXPECT_EQ(ParseObjectUrl("ais://b/k").value().object.key, "k");
  for (const char* text : {"ais://b", "ais://b/", "ais://@#n/b/"}) {
    const Status status = ParseObjectUrl(text).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find("names a bucket"), std::string::npos) << status.message();
  }
}

TEST(SplitBucket, TakesTheUnameApart) {
  const BucketName bucket = SplitBucket("aws/@uuid#ns/some.bucket");
  EXPECT_EQ(bucket.provider, "aws");
  EXPECT_EQ(bucket.name_space, "@uuid#ns");
  EXPECT_EQ(bucket.name, "some.bucket");
}

TEST(UrlOf, IsTheInverseOfParsing) {
  for (const char* url : {"ais://b", "aws://b/a/key?x#y", "ais://@u#n/b/k", "ais://@#n/b"}) {
    EXPECT_EQ(UrlOf(ParseUrl(url).value().object), url);
  }
  EXPECT_EQ(UrlOf(ParseUrl("s3://b/k").value().object), "aws://b/k");
}

}  // namespace
}  // namespace objectpipes::ais
