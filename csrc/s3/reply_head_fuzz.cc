// libFuzzer: the header of any reply says consistently which bytes of an object follow, or
// kProtocol.
//
// The input is header values, divided by zero bytes.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "s3/reply_head.h"

namespace {

constexpr std::array<std::string_view, 9> kNames = {
    "content-length",       "content-range",       "etag",
    "x-amz-checksum-crc32", "x-amz-checksum-sha1", "x-amz-checksum-crc64nvme",
    "last-modified",        "transfer-encoding",   "x-amz-checksum-sha256",
};

std::string_view NextField(std::string_view* rest) {
  const size_t end = rest->find('\0');
  const std::string_view field = rest->substr(0, end);
  rest->remove_prefix(end == std::string_view::npos ? rest->size() : end + 1);
  return field;
}

void Check(const objectpipes::ReplyHead& head, int http_status) {
  using Scope = objectpipes::OfferedChecksum::Scope;
  if (head.length < -1 || head.object_size < -1) abort();
  if (http_status == 206 && head.length < 1) abort();
  if (http_status == 200 && (head.begin != 0 || head.object_size != head.length)) abort();
  if (head.object_size >= 0 &&
      head.begin + static_cast<uint64_t>(head.length) > static_cast<uint64_t>(head.object_size)) {
    abort();
  }
  if (head.can_pin == head.version.empty()) abort();
  const bool offered = head.checksum.type != objectpipes::ChecksumType::kNone;
  if (offered == head.checksum.digest.empty()) abort();
  if (head.checksum.parts != 0 && head.checksum.scope != Scope::kComposite) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace objectpipes;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, kNames.size()> values;
  for (std::string_view& value : values) value = NextField(&rest);
  const HeaderLookup header = [&values](std::string_view name) {
    for (size_t i = 0; i < kNames.size(); ++i) {
      if (kNames[i] == name) return values[i];
    }
    return std::string_view();
  };
  (void)IsObject(header);
  for (const int http_status : {200, 206}) {
    const Result<ReplyHead> head = ParseReplyHead(http_status, header);
    if (head.ok()) {
      Check(head.value(), http_status);
    } else if (head.status().code() != StatusCode::kProtocol) {
      abort();
    }
  }
  return 0;
}
