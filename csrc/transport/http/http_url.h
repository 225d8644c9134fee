// URLs of HTTP, and references to them (RFC 3986): what servers write into Location, or into maps
// of themselves. No I/O.
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

// Whether the text holds a control character; none of them may become part of a request.
bool HasControl(std::string_view text);

// An absolute URL. kProtocol if it is none: another scheme, a user name, no host, a control
// character. What else does not belong into a URL is percent-encoded.
Result<HttpUrl> ParseHttpUrl(std::string_view text);

// What a reference in the reply to a request of `base` refers to (RFC 3986, 5.2): an absolute URL,
// one without scheme, an absolute or relative path, a query. Errors as above.
Result<HttpUrl> ResolveReference(const HttpUrl& base, std::string_view reference);

// Where the path of a reference begins: behind scheme and authority, if it has any.
size_t FindPath(std::string_view reference);

}  // namespace objectpipes
