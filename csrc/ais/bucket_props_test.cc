#include "ais/bucket_props.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes::ais {
namespace {

TEST(BucketProps, SayWhetherRangesHaveChecksums) {
  for (const bool expected : {true, false}) {
    const std::string text = std::string(R"({"provider":"ais","checksum":{"type":"xxhash2",)"
                                         R"("validate_warm_get":false,"enable_read_range":)") +
                             (expected ? "true" : "false") + "}}";
    EXPECT_EQ(ParseBucketProps(text).value().checksums_ranges, expected);
  }
}

TEST(BucketProps, AreRefusedIfMalformed) {
  for (const char* text : {"", "{}", "[]", R"({"checksum":null})", R"({"checksum":{}})",
                           R"({"checksum":{"type":"md5","enable_read_range":"true"}})"}) {
    EXPECT_EQ(ParseBucketProps(text).status().code(), StatusCode::kProtocol) << text;
  }
}

}  // namespace
}  // namespace objectpipes::ais
