// The host, port and scheme of an origin or a proxy.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace objectpipes {

struct RemoteHost {
  std::string host;  // without the brackets of an IPv6 address
  uint16_t port = 0;
  bool tls = false;

  // Parses "http[s]://authority".
  static Result<RemoteHost> Parse(std::string_view origin);
  std::string ToString() const;  // "host:port", an IPv6 address in brackets
};

}  // namespace objectpipes
