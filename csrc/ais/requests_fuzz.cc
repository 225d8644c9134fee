// libFuzzer: any Location leads to a URL of one line that keeps the path asked for, or is
// kProtocol.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ais/requests.h"

namespace {

constexpr std::string_view kPath = "/v1/objects/bucket/a%20name";

void Check(const objectpipes::Result<std::string>& followed) {
  if (!followed.ok()) {
    if (followed.status().code() != objectpipes::StatusCode::kProtocol) abort();
    return;
  }
  for (const char c : followed.value()) {
    if (c <= ' ' || c == '\x7f') abort();  // it goes into a request line
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace objectpipes::ais;
  const std::string_view location(reinterpret_cast<const char*>(data), size);
  const std::string url = "http://h" + std::string(kPath) + "?provider=ais";
  const auto followed = FollowRedirect(location, url);
  Check(followed);
  if (followed.ok() && followed.value().find(kPath) == std::string::npos) abort();
  Check(FollowEtlRedirect(location, url));
  return 0;
}
