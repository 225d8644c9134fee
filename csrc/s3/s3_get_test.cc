#include "s3/s3_get.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/s3_transport_test.h"

namespace objectpipes {
namespace {

using S3GetTest = S3TransportTest;
using Kind = RetryHint::Kind;

TEST_F(S3GetTest, DeliversHeadAndBody) {
  replies_ = {Reply("body", "etag: \"v\"\r\nx-amz-checksum-crc32c: AAAAAA==\r\n")};
  const auto getter = Get();
  EXPECT_TRUE(getter->outcome.ok());
  EXPECT_EQ(getter->body, "body");
  EXPECT_EQ(getter->head->object_size, 4);
  EXPECT_EQ(getter->head->version, "\"v\"");
  EXPECT_TRUE(getter->head->can_pin);
  EXPECT_EQ(getter->head->checksum.type, ChecksumType::kCrc32c);
}

TEST_F(S3GetTest, AMalformedHeadIsAFailureToBeRepeated) {
  replies_ = {
      "HTTP/1.1 206 Partial Content\r\netag: \"v\"\r\ncontent-length: 4\r\n"
      "content-range: bytes x\r\n\r\nbody"};
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kProtocol);
  EXPECT_NE(getter->outcome.message(), "");
  EXPECT_EQ(getter->hint.kind, Kind::kRetry);
  EXPECT_FALSE(getter->head.has_value());
}

TEST_F(S3GetTest, FieldsThatContradictEachOtherAreAFailure) {
  replies_ = {Reply("body",
                    "etag: \"v\"\r\nx-amz-checksum-crc32: yZRlqg==\r\n"
                    "x-amz-checksum-crc32: AAAAAA==\r\n")};
  EXPECT_EQ(Get()->outcome.code(), StatusCode::kProtocol);
}

TEST_F(S3GetTest, AsksForTheVersionOfAnObjectUrl) {
  replies_ = {Reply("body", kETag)};
  GetRequest request;
  request.object = ObjectId{"bucket", "k?versionId=1"};
  request.object.listed.version = "a/b+c";
  EXPECT_TRUE(Get(request)->outcome.ok());
  EXPECT_EQ(SentLine(0), "GET /bucket/k%3FversionId%3D1?versionId=a%2Fb%2Bc HTTP/1.1");
}

TEST_F(S3GetTest, BringsTheCustomersKeyToObjectsOnly) {
  options_.sse_customer_key = std::string(32, 'k');
  options_.expected_bucket_owner = "123456789012";
  replies_ = {Reply("body", kETag), Reply("<ListBucketResult/>")};
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_TRUE(List()->page->ok());
  const std::string name = "x-amz-server-side-encryption-customer-key";
  EXPECT_EQ(Sent(0, name), "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=");
  EXPECT_NE(Sent(0, "authorization").find(";" + name + ";" + name + "-md5"), std::string::npos);
  EXPECT_EQ(Sent(1, name), "");
  for (const size_t request : {size_t{0}, size_t{1}}) {
    EXPECT_EQ(Sent(request, "x-amz-expected-bucket-owner"), "123456789012");
  }
}

}  // namespace
}  // namespace objectpipes
