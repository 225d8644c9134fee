// An ETag without the quotes that headers and documents put around it (RFC 9110, 8.8.3).
#pragma once

#include <algorithm>
#include <string_view>

#include "base/ascii.h"

namespace objectpipes {

inline std::string_view WithoutQuotes(std::string_view etag) {
  const bool quoted = etag.size() >= 2 && etag.front() == '"' && etag.back() == '"';
  return quoted ? etag.substr(1, etag.size() - 2) : etag;
}

// Whether it differs between any two versions. A weak ETag may not, an empty one says nothing, and
// text that is not an entity tag may mean something else: "If-Match: *" matches any version.
inline bool IsStrongETag(std::string_view etag) {
  if (etag.size() < 3 || etag.front() != '"' || etag.back() != '"') return false;
  const std::string_view tag = WithoutQuotes(etag);
  return std::none_of(tag.begin(), tag.end(),
                      [](char c) { return c == '"' || c == ' ' || IsControl(c); });
}

}  // namespace objectpipes
