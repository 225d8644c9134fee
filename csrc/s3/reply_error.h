// What an HTTP reply that is not a success means: the one place that maps S3's errors.
#pragma once

#include <cstddef>
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
  std::string_view body;  // never there in reply to HEAD
  std::string_view server;
  std::string_view date;
  std::string_view location;
  std::string_view retry_after;
  std::string_view request_id;     // x-amz-request-id
  std::string_view bucket_region;  // x-amz-bucket-region

  std::string_view bucket;
  std::string_view key;                // empty: the request was a listing
  std::string_view region;             // it was signed for
  int64_t request_time = 0;            // it was signed at, POSIX seconds
  bool has_customer_key = false;       // of SSE-C
  const Endpoint* endpoint = nullptr;  // null: there is nothing to say about it
};

struct S3Error {
  Status status;

  // kRetryNow says that one of the fields below has something to try; it is for the caller to try
  // it and to give up when it has been tried before.
  RetryHint hint;
  std::string region;                  // sign for this region instead
  std::string location;                // ask at this URL instead
  std::optional<int64_t> server_time;  // sign with this time instead, POSIX seconds
};

S3Error ErrorFromReply(const ErrorReply& reply);

// Whether the body of a reply with status 200 is an error nonetheless. S3 begins its answer to a
// listing before it knows the end of it.
bool IsErrorDocument(std::string_view body);

}  // namespace objectpipes
