// libFuzzer: any body, with any status, gives an error whose message is one bearable line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ais/reply_error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using objectpipes::ais::Sender;
  if (size < 2) return 0;
  objectpipes::ais::ErrorReply reply;
  reply.http_status = 300 + data[0];
  reply.sender = static_cast<Sender>(data[1] % 3);
  reply.body = {reinterpret_cast<const char*>(data) + 2, size - 2};
  const auto error = objectpipes::ais::ErrorFromReply(reply, {"ais/@#/bck", "obj"});
  const std::string_view message = error.status.message();
  if (error.status.ok() || message.size() > 1000) abort();
  if (message.find_first_of("\r\n") != std::string_view::npos) abort();
  return 0;
}
