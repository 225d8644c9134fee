// What a bucket's properties say about reading it.
#pragma once

#include <string_view>

#include "base/result.h"

namespace objectpipes::ais {

// The header of the reply to HEAD for a bucket (BucketUri) that has them.
inline constexpr std::string_view kBucketPropsHeader = "Ais-Bucket-Props";

// Whether the checksum in reply to a range is that of the range. Otherwise it is that of the whole
// object.
Result<bool> ChecksumsRanges(std::string_view bucket_props);

}  // namespace objectpipes::ais
