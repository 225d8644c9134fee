// What all connections of an I/O thread share.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/reactor.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace objectpipes {

// What is known about addresses; decides the order in which to try them.
class AddressBook {
 public:
  AddressBook();

  // Alternates the families (RFC 8305, 4), each in another order every time, so that connections
  // spread over all addresses. Addresses that recently did not answer come last.
  std::vector<SocketAddress> Order(const std::vector<SocketAddress>& addresses);
  void NoteDead(const SocketAddress& address);
  void NoteAlive(const SocketAddress& address) { dead_until_ms_.erase(address); }
  // This family has connected while the other one was still connecting.
  void NoteWinner(const SocketAddress& address) { ipv4_first_ = !address.is_ipv6; }

 private:
  std::map<SocketAddress, int64_t> dead_until_ms_;
  size_t turn_;
  bool ipv4_first_ = false;
};

class Network {
 public:
  // `name_servers`: as for the Resolver.
  explicit Network(std::string name_servers = "") : resolver_(&reactor_, std::move(name_servers)) {}

  Reactor* reactor() { return &reactor_; }
  Resolver* resolver() { return &resolver_; }
  AddressBook* addresses() { return &addresses_; }
  TlsInput* tls_input() { return &tls_input_; }
  // A context is kept until its files change, because loading certificates takes milliseconds, and
  // the context has the tickets.
  Result<std::shared_ptr<TlsContext>> TlsContextFor(const TlsOptions& options);

 private:
  struct Loaded {
    std::string files;  // and when they were changed
    std::shared_ptr<TlsContext> context;
  };

  Reactor reactor_;
  Resolver resolver_;
  AddressBook addresses_;
  TlsInput tls_input_;
  std::map<TlsOptions, Loaded> tls_contexts_;
};

}  // namespace objectpipes
