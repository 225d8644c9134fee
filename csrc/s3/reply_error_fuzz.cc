// libFuzzer: any reply gives an error with a message of bearable length and safe advice.
//
// The input is a status code (two bytes), then header values and the body, divided by zero bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "s3/reply_error.h"

namespace {

std::string_view NextField(std::string_view* rest) {
  const size_t end = rest->find('\0');
  const std::string_view field = rest->substr(0, end);
  rest->remove_prefix(end == std::string_view::npos ? rest->size() : end + 1);
  return field;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace objectpipes;
  if (size < 2) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data + 2), size - 2);
  ErrorReply reply;
  reply.http_status = data[0] | data[1] << 8;
  reply.server = NextField(&rest);
  reply.date = NextField(&rest);
  reply.location = NextField(&rest);
  reply.retry_after = NextField(&rest);
  reply.bucket_region = NextField(&rest);
  reply.body = rest;
  reply.bucket = "bucket";
  reply.key = "key";
  reply.region = "us-east-1";

  const S3Error error = ErrorFromReply(reply);
  if (error.status.ok()) abort();
  const std::string& message = error.status.message();
  if (message.size() > 1000 || message.find('\n') != std::string::npos) abort();
  if (error.region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") !=
      std::string::npos) {
    abort();
  }
  const bool has_correction =
      !error.region.empty() || !error.location.empty() || error.server_time.has_value();
  if ((error.hint.kind == RetryHint::Kind::kRetryNow) != has_correction) abort();
  (void)IsErrorDocument(reply.body);
  return 0;
}
