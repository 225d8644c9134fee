// Host and port of a URL, for naming or comparing servers.
#pragma once

#include <string>
#include <string_view>

namespace objectpipes {

struct Authority {
  std::string_view host;  // an IPv6 address in brackets
  unsigned port = 0;      // the default of the scheme if the URL has none
};

// Of "scheme://host[:port]..." without a user; empty for anything else.
Authority AuthorityOf(std::string_view url);

// "host:port".
std::string HostAndPortOf(std::string_view url);

}  // namespace objectpipes
