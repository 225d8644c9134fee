#include "s3/url.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes {
namespace {

using std::string_literals::operator""s;

constexpr char kEmpty[] = "The filename cannot be an empty string.";
constexpr char kScheme[] = "The filename must start with the S3 scheme.";
constexpr char kNoBucket[] = "The filename does not contain a bucket name.";

TEST(ParseS3Url, SplitsAtTheFirstSlashAfterTheBucket) {
  const ObjectPath path = ParseS3Url("s3://bucket/folder/file.jpg").value();
  EXPECT_EQ(path.bucket, "bucket");
  EXPECT_EQ(path.key, "folder/file.jpg");
}

TEST(ParseS3Url, TakesTheKeyByteForByte) {
  const std::string key = "//a/../b/./ +%20?x=1#f&\n\0\xC3\xA9/"s;
  EXPECT_EQ(ParseS3Url("s3://b/" + key).value().key, key);
}

TEST(ParseS3Url, TakesAnArnForABucket) {
  const ObjectPath path =
      ParseS3Url("s3://arn:aws:s3:us-west-2:1:accesspoint/ap/folder/arn:x").value();
  EXPECT_EQ(path.bucket, "arn:aws:s3:us-west-2:1:accesspoint/ap");
  EXPECT_EQ(path.key, "folder/arn:x");
  EXPECT_EQ(ParseS3Url("s3://arn:aws:s3:us-west-2:1:accesspoint:ap").value().key, "");
  EXPECT_EQ(ParseS3Url("s3://arn:aws:s3:::bucket/k").status().code(), StatusCode::kInvalidArgument);
}

TEST(ParseS3Url, AllowsAnEmptyPrefix) {
  EXPECT_EQ(ParseS3Url("s3://b").value().bucket, "b");
  EXPECT_EQ(ParseS3Url("s3://b").value().key, "");
  EXPECT_EQ(ParseS3Url("s3://b/").value().key, "");
}

TEST(ParseS3Url, RefusesInTheWordsOfTorchdata) {
  const struct {
    const char* url;
    const char* message;
  } kCases[] = {
      {"", kEmpty},
      {"s3://", kEmpty},
      {"S3://b/k", kScheme},
      {"https://b/k", kScheme},
      {"bucket/key", kScheme},
      {"s3:", kScheme},
      {"s3:/b/k", kScheme},
      {" s3://b/k", kScheme},
      {"s3:///x", kNoBucket},
      {"s3:///", kNoBucket},
  };
  for (const auto& [url, message] : kCases) {
    const Status status = ParseS3Url(url).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << url;
    EXPECT_EQ(status.message(), message) << url;
    EXPECT_EQ(ParseS3ObjectUrl(url).status().message(), message) << url;
  }
}

TEST(ParseS3ObjectUrl, NeedsAKey) {
  EXPECT_EQ(ParseS3ObjectUrl("s3://b/k").value().key, "k");
  EXPECT_EQ(ParseS3ObjectUrl("s3://b//").value().key, "/");
  for (const char* url : {"s3://b", "s3://b/"}) {
    const Status status = ParseS3ObjectUrl(url).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), std::string("The filename names a bucket, not an object: ") + url);
  }
}

TEST(FormatS3Url, IsTheInverseOfParsing) {
  for (const char* url : {"s3://b/k", "s3://b//k", "s3://b/a b%20+", "s3://b/"}) {
    const ObjectPath path = ParseS3Url(url).value();
    EXPECT_EQ(FormatS3Url(path.bucket, path.key), url);
  }
}

}  // namespace
}  // namespace objectpipes
