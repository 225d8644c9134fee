// libFuzzer: any text is a time between the years 0 and 9999 that can be written again, or none.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utc_time.h"

namespace {

constexpr int64_t kBegin = -62'167'219'200;  // 0000-01-01T00:00:00Z
constexpr int64_t kEnd = 253'402'300'800;    // 10000-01-01T00:00:00Z

void CheckWhole(int64_t seconds) {
  using namespace objectpipes;
  // A leap second is the first of the next minute, a long fraction may be rounded up, and an offset
  // is less than a day.
  if (seconds < kBegin - 86'400 || seconds > kEnd + 86'400) abort();
  if (seconds < 0 || seconds >= kEnd) return;
  const auto again = ParseTime(FormatBasicIso8601(seconds));
  if (!again || *again != static_cast<double>(seconds)) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto seconds = objectpipes::ParseTime(text)) {
    if (!std::isfinite(*seconds)) abort();
    CheckWhole(static_cast<int64_t>(std::floor(*seconds)));
  }
  return 0;
}
