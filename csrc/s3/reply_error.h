// What an HTTP error of S3 means: the one place that maps S3's errors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "s3/endpoint.h"
#include "transport/transport.h"

namespace objectpipes {

// A reply, and the request it answers. Header fields are empty where the reply has none.
struct ErrorReply {
  int http_status = 0;
  std::string_view body;  // always empty in the reply to HEAD
  std::string server;
  std::string date;
  std::string location;
  std::string retry_after;
  std::string request_id;     // x-amz-request-id
  std::string bucket_region;  // x-amz-bucket-region

  std::string_view bucket;
  std::string_view key;                // empty: the request was a listing
  std::string region;                  // that it was signed for
  int64_t request_time = 0;            // when it was signed, in POSIX seconds
  bool has_customer_key = false;       // of SSE-C
  const Endpoint* endpoint = nullptr;  // null: gives no hint
};

struct S3Error {
  Status status;

  // kRetryNow: one of the fields below says what to try. The caller tries it, or gives up if it
  // tried that before.
  RetryHint hint;
  std::string region;                  // sign for this region instead
  std::string location;                // ask at this URL instead
  std::optional<int64_t> server_time;  // sign with this time instead, POSIX seconds
};

S3Error ErrorFromReply(const ErrorReply& reply);

// Whether the body of a reply with status 200 is an error. S3 begins to answer a listing before it
// knows how that ends.
bool IsErrorDocument(std::string_view body);

}  // namespace objectpipes
