#include "ais/bucket_props.h"

#include "ais/json.h"

namespace objectpipes::ais {

Result<BucketProps> ParseBucketProps(std::string_view text) {
  const Json json = ParseJson(text);
  const auto checksum = json.find("checksum");
  if (checksum == json.end()) return Status::Protocol("AIStore sent malformed bucket properties");
  const auto* const ranges = FindMember<bool>(*checksum, "enable_read_range");
  if (ranges == nullptr) return Status::Protocol("AIStore sent malformed bucket properties");
  return BucketProps{*ranges};
}

}  // namespace objectpipes::ais
