// Maps the SDK's errors to ours.
#pragma once

#include <aws/core/client/AWSError.h>
#include <aws/s3/S3Errors.h>

#include <string>

#include "s3/reply_error.h"
#include "s3/reply_head.h"

namespace objectpipes {

// Whom a request goes to, each as "host:port".
struct Hops {
  std::string server;  // empty: the request was not sent
  std::string proxy;   // on the way there; empty: none
};

// `reply` has the request and the body that came. The rest of it is filled from the header.
S3Error ErrorFromHeader(int http_status, const HeaderLookup& header, ErrorReply reply);
S3Error ErrorFromOutcome(const Aws::Client::AWSError<Aws::S3::S3Errors>& error, ErrorReply reply,
                         const Hops& hops);

}  // namespace objectpipes
