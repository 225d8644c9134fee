#include "ais/bucket_props.h"

#include <gtest/gtest.h>

namespace objectpipes::ais {
namespace {

TEST(BucketProps, SayWhichChecksumsThereAre) {
  const BucketProps props =
      ParseBucketProps(R"({"provider":"ais","checksum":{"type":"xxhash2",)"
                       R"("validate_warm_get":false,"enable_read_range":true}})")
          .value();
  EXPECT_EQ(props.checksum, ChecksumType::kXxh64);
  EXPECT_TRUE(props.checksums_ranges);
}

TEST(BucketProps, MayNameNoChecksumOrAnUnknownOne) {
  for (const char* type : {"none", "later"}) {
    const BucketProps props = ParseBucketProps(std::string(R"({"checksum":{"type":")") + type +
                                               R"(","enable_read_range":false}})")
                                  .value();
    EXPECT_EQ(props.checksum, ChecksumType::kNone) << type;
    EXPECT_FALSE(props.checksums_ranges) << type;
  }
}

TEST(BucketProps, AreRefusedIfMalformed) {
  for (const char* text : {"", "{}", "[]", R"({"checksum":null})", R"({"checksum":{}})",
                           R"({"checksum":{"type":"md5","enable_read_range":"true"}})",
                           R"({"checksum":{"enable_read_range":true}})"}) {
    EXPECT_EQ(ParseBucketProps(text).status().code(), StatusCode::kProtocol) << text;
  }
}

}  // namespace
}  // namespace objectpipes::ais
