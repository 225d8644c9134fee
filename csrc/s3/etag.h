// An ETag as people know it: what headers and documents write in quotes (RFC 9110, 8.8.3).
#pragma once

#include <string_view>

namespace objectpipes {

inline std::string_view WithoutQuotes(std::string_view etag) {
  const bool quoted = etag.size() >= 2 && etag.front() == '"' && etag.back() == '"';
  return quoted ? etag.substr(1, etag.size() - 2) : etag;
}

}  // namespace objectpipes
