#include "net/remote_host.h"

#include "base/ascii.h"

namespace objectpipes {

Result<RemoteHost> RemoteHost::Parse(std::string_view origin) {
  const Status malformed =
      Status::InvalidArgument("\"" + std::string(origin) + "\" does not name a host and a port");
  RemoteHost result;
  const size_t scheme_end = origin.find("://");
  const std::string_view scheme = origin.substr(0, scheme_end);
  if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return malformed;
  }
  result.tls = scheme == "https";
  result.port = result.tls ? 443 : 80;
  const std::string_view authority = origin.substr(scheme_end + 3);
  std::string_view port;
  if (!authority.empty() && authority.front() == '[') {
    const size_t end = authority.find(']');
    if (end == std::string_view::npos) return malformed;
    result.host = std::string(authority.substr(1, end - 1));
    port = authority.substr(end + 1);
    if (!port.empty() && port.front() != ':') return malformed;
    if (!port.empty()) port.remove_prefix(1);
    // A zone is percent-encoded in a URL (RFC 6874).
    if (const size_t zone = result.host.find("%25"); zone != std::string::npos) {
      result.host.erase(zone + 1, 2);
    }
  } else {
    const size_t colon = authority.find(':');
    result.host = std::string(authority.substr(0, colon));
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
  }
  if (result.host.empty()) return malformed;
  if (port.empty()) return result;
  result.port = ParseInteger<uint16_t>(port).value_or(0);
  if (result.port == 0) return malformed;
  return result;
}

std::string RemoteHost::ToString() const {
  const bool bare_ipv6 = host.find(':') != std::string::npos;
  return (bare_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace objectpipes
