#include "s3/s3_transport.h"

#include <gtest/gtest.h>

#include "testing/s3_transport_test.h"

namespace objectpipes {
namespace {

TEST_F(S3TransportTest, AnEndpointThatIsNoneIsRefused) {
  S3Options options;
  options.endpoint_url = "ftp://host";
  EXPECT_EQ(S3Transport::Create(&loop_.http(), options, credentials_).status().code(),
            StatusCode::kConfig);
}

TEST_F(S3TransportTest, RefusesABucketByNameBeforeAnyRequest) {
  EXPECT_EQ(transport()->ParseUrl("s3://x.mrap/k").status().code(), StatusCode::kNotSupported);
  EXPECT_EQ(transport()->CheckBucket("arn:aws:s3::1:accesspoint/x.mrap").code(),
            StatusCode::kNotSupported);
  EXPECT_EQ(requests_, 0U);
}

TEST_F(S3TransportTest, AsksAnAccessPointForTheRegionOfItsArn) {
  replies_ = {Reply("body", kETag)};
  GetRequest request;
  request.object =
      transport()->ParseUrl("s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/ap/a/k").value();
  EXPECT_TRUE(Get(request)->outcome.ok());
  EXPECT_EQ(SentLine(0), "GET /ap-123456789012/a/k HTTP/1.1");
  EXPECT_NE(Sent(0, "authorization").find("/eu-west-1/s3/aws4_request"), std::string::npos);
}

}  // namespace
}  // namespace objectpipes
