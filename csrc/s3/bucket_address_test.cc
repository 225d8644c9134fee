#include "s3/bucket_address.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes {
namespace {

constexpr char kAccessPoint[] = "arn:aws:s3:us-west-2:123456789012:accesspoint/myap";

// Where and for what an object "k" is asked: "URL region service".
std::string Asked(const std::string& bucket, const std::string& endpoint_url,
                  const std::string& region = "us-east-1",
                  Addressing addressing = Addressing::kVirtual) {
  const BucketAddress address =
      AddressOf(bucket, ParseEndpoint(endpoint_url, addressing).value(), region);
  const RequestTarget target = MakeRequestTarget(address.endpoint, address.name, "k", "");
  return target.url + " " + address.region + " " + address.service;
}

constexpr char kAws[] = "https://s3.us-east-1.amazonaws.com";

TEST(AddressOf, APlainBucketIsAtTheEndpoint) {
  EXPECT_EQ(Asked("plain", kAws), "https://plain.s3.us-east-1.amazonaws.com/k us-east-1 s3");
  EXPECT_EQ(Asked("pl.ain", kAws), "https://s3.us-east-1.amazonaws.com/pl.ain/k us-east-1 s3");
  EXPECT_EQ(Asked("my-ap-abc123-s3alias", kAws),
            "https://my-ap-abc123-s3alias.s3.us-east-1.amazonaws.com/k us-east-1 s3");
  EXPECT_EQ(Asked("plain", "http://h:9000/s3", "", Addressing::kPath),
            "http://h:9000/s3/plain/k  s3");
}

TEST(AddressOf, ADirectoryBucketIsInItsZone) {
  EXPECT_EQ(Asked("data--use1-az4--x-s3", kAws),
            "https://data--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com/k us-east-1 "
            "s3express");
  // Style and region are not for the user to choose.
  EXPECT_EQ(Asked("data--use1-az4--x-s3", "https://s3.eu-west-1.amazonaws.com", "eu-west-1",
                  Addressing::kPath),
            "https://data--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com/k us-east-1 "
            "s3express");
  EXPECT_EQ(Asked("my-ap--use1-az4--xa-s3", kAws),
            "https://my-ap--use1-az4--xa-s3.s3express-use1-az4.us-east-1.amazonaws.com/k us-east-1 "
            "s3express");
  EXPECT_EQ(Asked("d--cnn1-az1--x-s3", "https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            "https://d--cnn1-az1--x-s3.s3express-cnn1-az1.cn-north-1.amazonaws.com.cn/k cn-north-1 "
            "s3express");
  EXPECT_TRUE(AddressOf("data--use1-az4--x-s3", ParseEndpoint(kAws, Addressing::kPath).value(), "")
                  .directory);
}

TEST(AddressOf, AZoneTellsItsRegion) {
  for (const auto& [zone, region] :
       {std::pair("use1-az4", "us-east-1"), std::pair("use2-az1", "us-east-2"),
        std::pair("usw2-az1", "us-west-2"), std::pair("usw2-lax1-az1", "us-west-2"),
        std::pair("apne1-az4", "ap-northeast-1"), std::pair("aps1-az1", "ap-south-1"),
        std::pair("apse2-az1", "ap-southeast-2"), std::pair("eun1-az1", "eu-north-1"),
        std::pair("euc1-az1", "eu-central-1"), std::pair("cac1-az1", "ca-central-1"),
        std::pair("usgw1-az1", "us-gov-west-1"), std::pair("cnnw1-az1", "cn-northwest-1"),
        // Not named like that: the configured region counts.
        std::pair("moon1-az1", "eu-west-1"), std::pair("us-az1", "eu-west-1")}) {
    const Endpoint endpoint =
        ParseEndpoint("https://s3.eu-west-1.amazonaws.com", Addressing::kVirtual).value();
    const std::string bucket = "d--" + std::string(zone) + "--x-s3";
    EXPECT_EQ(AddressOf(bucket, endpoint, "eu-west-1").region, region) << zone;
  }
}

TEST(AddressOf, AnAccessPointIsInTheRegionOfItsArn) {
  EXPECT_EQ(Asked(kAccessPoint, kAws),
            "https://myap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/k us-west-2 s3");
  EXPECT_EQ(Asked("arn:aws:s3:us-west-2:123456789012:accesspoint:myap", kAws),
            Asked(kAccessPoint, kAws));
  EXPECT_EQ(Asked(kAccessPoint, "https://s3-fips.us-east-1.amazonaws.com"),
            "https://myap-123456789012.s3-accesspoint-fips.us-west-2.amazonaws.com/k us-west-2 s3");
  EXPECT_EQ(
      Asked(kAccessPoint, "https://s3.dualstack.us-east-1.amazonaws.com"),
      "https://myap-123456789012.s3-accesspoint.dualstack.us-west-2.amazonaws.com/k us-west-2 s3");
  EXPECT_EQ(Asked("arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/myap",
                  "https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            "https://myap-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn/k cn-north-1 s3");
  EXPECT_EQ(Asked("arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/myap", kAws),
            "https://myap-123456789012.s3-object-lambda.us-west-2.amazonaws.com/k us-west-2 "
            "s3-object-lambda");
  EXPECT_EQ(
      Asked("arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01234567890123456/accesspoint/"
            "myap",
            kAws),
      "https://myap-123456789012.op-01234567890123456.s3-outposts.us-west-2.amazonaws.com/k "
      "us-west-2 s3-outposts");
}

TEST(AddressOf, AnEndpointOfOnesOwnIsKept) {
  EXPECT_EQ(Asked("data--use1-az4--x-s3", "http://127.0.0.1:9000"),
            "http://127.0.0.1:9000/data--use1-az4--x-s3/k us-east-1 s3express");
  EXPECT_EQ(Asked("data--use1-az4--x-s3", "https://s3.example.com/base", "", Addressing::kPath),
            "https://data--use1-az4--x-s3.s3.example.com/base/k us-east-1 s3express");
  EXPECT_EQ(Asked(kAccessPoint, "https://s3.example.com/base", "", Addressing::kPath),
            "https://myap-123456789012.s3.example.com/base/k us-west-2 s3");
  for (const char* zonal : {"https://s3express-use1-az4.us-east-1.amazonaws.com"}) {
    EXPECT_EQ(Asked("data--use1-az4--x-s3", zonal),
              "https://data--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com/k us-east-1 "
              "s3express");
  }
}

TEST(CheckBucket, AcceptsWhatItCanAddress) {
  for (const char* bucket :
       {"plain", "Any_old.name", "192.168.0.1", "data--use1-az4--x-s3", "ap--use1-az4--xa-s3",
        "x-s3", "my-ap-abc123-s3alias", "my-lambda-abc--ol-s3", kAccessPoint}) {
    EXPECT_TRUE(CheckBucket(bucket).ok()) << bucket;
  }
}

TEST(CheckBucket, RefusesByName) {
  const struct {
    const char* bucket;
    StatusCode code;
    const char* names;
  } kCases[] = {
      {"arn:aws:s3::123456789012:accesspoint/abcdef.mrap", StatusCode::kNotSupported,
       "multi-region access point"},
      {"abcdef.mrap", StatusCode::kNotSupported, "multi-region access point"},
      {"my-ap-o01234567890123456abc--op-s3", StatusCode::kNotSupported, "Outposts"},
      {"arn:aws:s3express:us-east-1:123456789012:accesspoint/my-ap", StatusCode::kNotSupported,
       "service"},
      {"arn:aws:s3-outposts:us-west-2:123456789012:accesspoint/x", StatusCode::kNotSupported,
       "service"},
      {"arn:aws:s3:::bucket", StatusCode::kInvalidArgument, "ARN"},
      {"arn:aws:s3:us-west-2::accesspoint/myap", StatusCode::kInvalidArgument, "malformed"},
      {"arn:aws:s3:us-west-2:123456789012:accesspoint/my.ap", StatusCode::kInvalidArgument,
       "malformed"},
      {"arn:aws:s3:us-west-2:123456789012:accesspoint/evil.example/", StatusCode::kInvalidArgument,
       "malformed"},
      {"arn:aws:s3:evil.example/:123456789012:accesspoint/myap", StatusCode::kInvalidArgument,
       "malformed"},
      {"x--x-s3", StatusCode::kInvalidArgument, "directory bucket"},
      {"--use1-az4--x-s3", StatusCode::kInvalidArgument, "directory bucket"},
      {"da.ta--use1-az4--x-s3", StatusCode::kInvalidArgument, "directory bucket"},
      {"Data--use1-az4--x-s3", StatusCode::kInvalidArgument, "directory bucket"},
  };
  for (const auto& c : kCases) {
    const Status status = CheckBucket(c.bucket);
    EXPECT_EQ(status.code(), c.code) << c.bucket;
    EXPECT_NE(status.message().find(c.names), std::string::npos) << status.message();
  }
}

TEST(ArnLength, EndsWithTheNameOfTheAccessPoint) {
  const std::string arn = kAccessPoint;
  EXPECT_EQ(ArnLength(arn), arn.size());
  EXPECT_EQ(ArnLength(arn + "/"), arn.size());
  EXPECT_EQ(ArnLength(arn + "/a/b:c"), arn.size());
  const std::string outpost = "arn:aws:s3-outposts:r:1:outpost/op-1/accesspoint/x";
  EXPECT_EQ(ArnLength(outpost + "/k"), outpost.size());
  EXPECT_EQ(ArnLength("bucket/arn:aws"), 0U);
  for (const char* text : {"arn:", "arn:aws:s3:::bucket/k", "arn:aws:s3:r:1:accesspoint",
                           "arn:aws:s3:r:1:accesspoint/", "arn:aws:s3:r:1:accesspoint//k",
                           "arn:aws:s3:r:1:outpost/op-1/bucket/b"}) {
    EXPECT_EQ(ArnLength(text), std::string_view::npos) << text;
  }
}

}  // namespace
}  // namespace objectpipes
