// HTTP URLs and references (RFC 3986) that servers send in a Location or a cluster map. No I/O.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace objectpipes {

struct HttpUrl {
  std::string scheme;     // "http" or "https"
  std::string host;       // lower case; an IPv6 address in brackets
  std::string authority;  // host, and the port unless it is the scheme's own
  std::string path;       // percent-encoded, from the first slash on
  std::string query;      // percent-encoded, without the '?'

  std::string origin() const { return scheme + "://" + authority; }
  std::string text() const { return origin() + path + (query.empty() ? "" : "?" + query); }
  bool is_tls() const { return scheme == "https"; }
};

// Whether this is a host as above.
bool IsHost(std::string_view host);

// "host:port" of a URL, for naming servers; empty if it has none.
std::string HostAndPortOf(std::string_view url);

// Whether the text has a control character, which must not become part of a request.
bool HasControl(std::string_view text);

// Parses an absolute URL. kProtocol if it has another scheme, a user name, no host or a control
// character. Other characters that are not valid in a URL are percent-encoded.
Result<HttpUrl> ParseHttpUrl(std::string_view text);

// Resolves a reference in the reply to a request for `base` (RFC 3986, 5.2): an absolute URL, one
// without a scheme, an absolute or relative path, or a query. Errors as above.
Result<HttpUrl> ResolveReference(const HttpUrl& base, std::string_view reference);

// The offset of the path in a reference, after scheme and authority if it has them.
size_t FindPath(std::string_view reference);

}  // namespace objectpipes
