// libFuzzer: any bytes give a map or kProtocol.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ais/cluster_map.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using objectpipes::StatusCode;
  const auto map = objectpipes::ais::ParseClusterMap({reinterpret_cast<const char*>(data), size});
  if (!map.ok() && map.status().code() != StatusCode::kProtocol) abort();
  if (map.ok() && map.value().proxy_urls.empty()) abort();
  return 0;
}
