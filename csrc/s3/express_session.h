// A session of S3 Express One Zone: keys for one directory bucket, valid for five minutes.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "transport/credentials.h"

namespace objectpipes {

// The request is a GET of the bucket with this query, signed with the account's own keys.
inline constexpr char kCreateSessionQuery[] = "session=";

struct ExpressSession {
  Credentials credentials;  // whose token is sent as x-amz-s3session-token
  int64_t expires = 0;      // POSIX seconds, by the server's clock
};

// From the body of the reply; kProtocol if any of it is missing.
Result<ExpressSession> ParseExpressSession(const std::string& body);

}  // namespace objectpipes
