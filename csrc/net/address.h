// An IP address with a port, to which a socket connects.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

struct sockaddr;

namespace objectpipes {

struct SocketAddress {
  std::array<uint8_t, 16> ip{};  // network order; IPv4 in the first four
  bool is_ipv6 = false;
  uint32_t scope = 0;  // IPv6: the interface of a link-local address
  uint16_t port = 0;

  // Parses a literal: "10.0.0.1", "fe80::1%eth0". Nothing for names.
  static std::optional<SocketAddress> Parse(const std::string& text, uint16_t port);
  // From the form that the system has for an address of one of the two families.
  static SocketAddress FromNative(const sockaddr* native);
  std::string ToString() const;  // "10.0.0.1:80", "[::1]:80"

  bool operator<(const SocketAddress& other) const {
    return std::tie(ip, is_ipv6, scope, port) <
           std::tie(other.ip, other.is_ipv6, other.scope, other.port);
  }
  bool operator==(const SocketAddress& other) const {
    return ip == other.ip && is_ipv6 == other.is_ipv6 && scope == other.scope && port == other.port;
  }
};

}  // namespace objectpipes
