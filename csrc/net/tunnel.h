// A tunnel through an HTTP proxy: CONNECT (RFC 9110, 9.3.6).
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "net/byte_stream.h"

namespace objectpipes {

class Tunnel {
 public:
  // `target`: "host:port". `authorization`: of Proxy-Authorization; empty: none.
  Tunnel(const std::string& target, const std::string& authorization,
         const std::string& user_agent);

  // Continues: 1 when the proxy passes bytes on, kNotNow, or kBroken, which error() explains.
  int64_t Advance(ByteStream* proxy);
  bool wants_write() const { return !unsent_.empty(); }
  const Status& error() const { return error_; }

 private:
  int64_t ReadReply();
  int64_t Fail(StatusCode code, const std::string& what, int http_status = 0);

  const std::string target_;
  const std::string request_;
  std::string_view unsent_;
  std::string reply_;
  Status error_;
};

}  // namespace objectpipes
