#include "transport/http/no_proxy.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/ascii.h"
#include "net/address.h"

namespace objectpipes {
namespace {

constexpr std::string_view kSeparators = ", \t\r\n\f\v";

std::string_view WithoutBrackets(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return text;
  return text.substr(1, text.size() - 2);
}

std::string_view WithoutDots(std::string_view name) {
  while (!name.empty() && name.front() == '.') name.remove_prefix(1);
  while (!name.empty() && name.back() == '.') name.remove_suffix(1);
  return name;
}

// Splits "name:port" and "[address]:port"; a bare IPv6 address has no port.
std::optional<unsigned> TakePort(std::string_view* entry) {
  const size_t colon = entry->rfind(':');
  if (colon == std::string_view::npos) return {};
  const std::string_view name = entry->substr(0, colon);
  const bool bracketed = !name.empty() && name.front() == '[' && name.back() == ']';
  if (!bracketed && name.find(':') != std::string_view::npos) return {};
  const std::optional<unsigned> port = ParseInteger<unsigned>(entry->substr(colon + 1));
  if (port) *entry = name;
  return port;
}

// Whether `entry`, an address or "address/bits", holds the address.
bool Holds(std::string_view entry, const SocketAddress& address) {
  const size_t slash = entry.find('/');
  const auto network =
      SocketAddress::Parse(std::string(WithoutBrackets(entry.substr(0, slash))), 0);
  if (!network || network->is_ipv6 != address.is_ipv6) return false;
  const unsigned size = address.is_ipv6 ? 128 : 32;
  const std::optional<unsigned> bits =
      slash == std::string_view::npos ? size : ParseInteger<unsigned>(entry.substr(slash + 1));
  if (!bits || *bits > size) return false;
  for (unsigned bit = 0; bit < *bits; ++bit) {
    const int differs = network->ip[bit / 8] ^ address.ip[bit / 8];
    if ((differs >> (7 - bit % 8) & 1) != 0) return false;
  }
  return true;
}

bool IsAtOrBelow(std::string_view host, std::string_view domain) {
  if (domain.empty() || host.size() < domain.size()) return false;
  if (host.substr(host.size() - domain.size()) != domain) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

}  // namespace

bool BypassesProxy(std::string_view no_proxy, const RemoteHost& host) {
  const std::string name = ToLower(host.host);
  const auto address = SocketAddress::Parse(name, 0);
  while (!no_proxy.empty()) {
    const size_t end = std::min(no_proxy.find_first_of(kSeparators), no_proxy.size());
    const std::string lower = ToLower(no_proxy.substr(0, end));
    no_proxy.remove_prefix(std::min(end + 1, no_proxy.size()));
    std::string_view entry = lower;
    if (entry == "*") return true;
    const std::optional<unsigned> port = TakePort(&entry);
    if (port && *port != host.port) continue;
    if (address ? Holds(entry, *address) : IsAtOrBelow(WithoutDots(name), WithoutDots(entry))) {
      return true;
    }
  }
  return false;
}

}  // namespace objectpipes
