// libFuzzer: the head of any reply says consistently which bytes of an object follow, or kProtocol.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ais/reply_head.h"

namespace objectpipes::ais {
namespace {

void Check(const HttpHead& http, RangeChecksum range_checksum) {
  const Result<ReplyHead> parsed = ParseReplyHead(http, false, range_checksum, "c0ffee");
  if (!parsed.ok()) {
    if (parsed.status().code() != StatusCode::kProtocol) abort();
    return;
  }
  const ReplyHead& head = parsed.value();
  if (head.length < -1 || head.object_size < -1) abort();
  if (http.status() == 206 && head.length < 1) abort();
  if (http.status() == 200 && (head.begin != 0 || head.object_size != head.length)) abort();
  if (head.object_size >= 0 &&
      head.begin + static_cast<uint64_t>(head.length) > static_cast<uint64_t>(head.object_size)) {
    abort();
  }
  const bool offered = head.checksum.type != ChecksumType::kNone;
  if (offered == head.checksum.digest.empty()) abort();
  const bool of_reply = head.checksum.scope == OfferedChecksum::Scope::kReply;
  if (of_reply && (http.status() != 206 || range_checksum != RangeChecksum::kOfRange)) abort();
  (void)IsAsListed(http, head, Listed{});
}

}  // namespace
}  // namespace objectpipes::ais

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace objectpipes;
  const auto http = HttpHead::Parse({reinterpret_cast<const char*>(data), size});
  if (!http.ok() || (http.value().status() != 200 && http.value().status() != 206)) return 0;
  ais::Check(http.value(), ais::RangeChecksum::kOfObject);
  ais::Check(http.value(), ais::RangeChecksum::kOfRange);
  return 0;
}
