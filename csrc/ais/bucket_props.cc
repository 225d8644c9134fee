#include "ais/bucket_props.h"

#include "ais/json.h"

namespace objectpipes::ais {

Result<bool> ChecksumsRanges(std::string_view bucket_props) {
  const Json json = ParseJson(bucket_props);
  const auto checksum = json.find("checksum");
  const bool* const enabled =
      checksum == json.end() ? nullptr : FindMember<bool>(*checksum, "enable_read_range");
  if (enabled == nullptr) return Status::Protocol("AIStore sent malformed bucket properties");
  return *enabled;
}

}  // namespace objectpipes::ais
