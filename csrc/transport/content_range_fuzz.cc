// libFuzzer: any Content-Range, of a body whose length is known or not, gives a range that lies in
// the object, or kProtocol and a head that is as it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "transport/content_range.h"

namespace {

constexpr auto kMaxInt64 = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());

void Check(std::string_view text, int64_t told_length) {
  using namespace objectpipes;
  ReplyHead head;
  head.length = told_length;
  const Status status = ApplyContentRange(text, &head);
  if (!status.ok()) {
    if (status.code() != StatusCode::kProtocol) abort();
    if (head.begin != 0 || head.length != told_length || head.object_size != -1) abort();
    return;
  }
  if (told_length >= 0 && head.length != told_length) abort();
  if (head.length < 1 || head.begin > kMaxInt64 - static_cast<uint64_t>(head.length)) abort();
  const uint64_t end = head.begin + static_cast<uint64_t>(head.length);
  if (head.object_size < -1) abort();
  if (head.object_size >= 0 && end > static_cast<uint64_t>(head.object_size)) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Check(text, -1);
  Check(text, 100);
  if (objectpipes::ParseLength(text) < -1) abort();
  return 0;
}
