#include "ais/bucket_props.h"

#include <gtest/gtest.h>

namespace objectpipes::ais {
namespace {

TEST(ChecksumsRanges, IsAPropertyOfTheBucket) {
  EXPECT_TRUE(ChecksumsRanges(R"({"provider":"ais","checksum":{"type":"xxhash2",)"
                              R"("validate_warm_get":false,"enable_read_range":true}})")
                  .value());
  EXPECT_FALSE(
      ChecksumsRanges(R"({"checksum":{"type":"none","enable_read_range":false}})").value());
}

TEST(ChecksumsRanges, RefusesWhatIsNoProperties) {
  for (const char* text : {"", "{}", "[]", R"({"checksum":null})", R"({"checksum":{}})",
                           R"({"checksum":{"enable_read_range":"true"}})"}) {
    EXPECT_EQ(ChecksumsRanges(text).status().code(), StatusCode::kProtocol) << text;
  }
}

}  // namespace
}  // namespace objectpipes::ais
