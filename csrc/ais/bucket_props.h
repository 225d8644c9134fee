// What a bucket's properties say about reading it.
#pragma once

#include <string_view>

#include "base/result.h"

namespace objectpipes::ais {

// The header of the reply to HEAD for a bucket (BucketUri) that has them.
inline constexpr std::string_view kBucketPropsHeader = "Ais-Bucket-Props";

struct BucketProps {
  // Whether the checksum in reply to a range is that of the range. Otherwise it is that of the
  // whole object.
  bool checksums_ranges = false;
};

Result<BucketProps> ParseBucketProps(std::string_view text);

}  // namespace objectpipes::ais
