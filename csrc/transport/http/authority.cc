#include "transport/http/authority.h"

#include <charconv>

namespace objectpipes {

Authority AuthorityOf(std::string_view url) {
  const size_t begin = url.find("://");
  if (begin == std::string_view::npos) return {};
  const bool tls = url.substr(0, begin) == "https";
  std::string_view text = url.substr(begin + 3);
  text = text.substr(0, text.find_first_of("/?#"));
  Authority authority{text, tls ? 443U : 80U};
  const size_t colon = text.rfind(':');
  const size_t bracket = text.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    authority.host = text.substr(0, colon);
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), authority.port);
  }
  return authority;
}

std::string HostAndPortOf(std::string_view url) {
  const Authority authority = AuthorityOf(url);
  if (authority.host.empty()) return {};
  return std::string(authority.host) + ":" + std::to_string(authority.port);
}

}  // namespace objectpipes
