// What a bucket's properties say about reading it.
#pragma once

#include <string_view>

#include "base/result.h"

namespace objectpipes::ais {

// The header with the properties, in the reply to HEAD for a bucket (BucketUri).
inline constexpr std::string_view kBucketPropsHeader = "Ais-Bucket-Props";

struct BucketProps {
  // Whether the reply to a ranged request has the checksum of the range, and not of the object.
  bool checksums_ranges = false;
};

Result<BucketProps> ParseBucketProps(std::string_view text);

}  // namespace objectpipes::ais
