// Opens one connection: name, address, proxy, tunnel, TLS. Nothing in it blocks.
//
// Addresses are tried as RFC 8305 says: the next one when one has failed, or has not answered for a
// quarter of a second; the first to answer is taken.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/byte_stream.h"
#include "net/network.h"
#include "net/remote_host.h"
#include "net/tunnel.h"

namespace objectpipes {

struct DialOptions {
  TlsOptions tls;  // for the proxy as well as for the server
  std::optional<RemoteHost> proxy;
  bool tunnel = false;              // through the proxy, which else is the one who is spoken to
  std::string proxy_authorization;  // the value of Proxy-Authorization; empty: none
  std::string user_agent;           // for the proxy
  int64_t timeout_ms = 0;           // for all of it; 0: none
};

// An open connection.
struct Dialed {
  std::unique_ptr<ByteStream> stream;
  SocketHandle socket = kNoSocket;  // the stream's
  bool is_tls = false;
};

// The code of a failure that is not the network's: no descriptor is left for a socket.
inline constexpr char kOutOfDescriptors[] = "OutOfDescriptors";

class Dialer final : private Watcher {
 public:
  using OnDone = std::function<void(Result<Dialed>)>;

  // Begins. The options are used as long as the dialer exists. The function is called by the
  // reactor, and may destroy the dialer.
  Dialer(Network* network, const DialOptions* options, RemoteHost origin, OnDone on_done);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

 private:
  class Attempt;
  enum class Stage : uint8_t { kConnecting, kProxyTls, kTunnel, kServerTls, kOpen };

  void OnReady(uint8_t events) override;
  void OnAddresses(const std::vector<SocketAddress>& addresses);
  void TryNext();
  void OnAttempt(Attempt* attempt, int error);
  void Advance();
  int64_t AdvanceTls(const RemoteHost& host);
  int64_t AdvanceTunnel();
  void OnTimeout();
  void Fail(Status status);
  void Finish();
  void StopWaitingForTicket();
  const RemoteHost& first_hop() const { return options_->proxy ? *options_->proxy : origin_; }
  Stage After(Stage stage) const;

  Network* const network_;
  const DialOptions* const options_;
  const RemoteHost origin_;
  const OnDone on_done_;

  std::unique_ptr<Resolver::Question> question_;
  std::vector<SocketAddress> untried_;  // the next one last
  std::list<std::unique_ptr<Attempt>> attempts_;
  std::string errors_;  // of the addresses that failed

  Stage stage_ = Stage::kConnecting;
  SocketAddress address_;  // that answered
  Dialed dialed_;
  Watch watch_;
  TlsStream* tls_ = nullptr;  // whose handshake is under way
  std::shared_ptr<TlsContext> tls_context_;
  std::shared_ptr<TlsTickets> tickets_;  // while waiting for one
  TlsTickets::Waiter ticket_waiter_;
  int64_t ticket_deadline_ms_ = INT64_MAX;
  std::unique_ptr<Tunnel> tunnel_;
  std::optional<Status> failure_;

  Timer timeout_;
  Timer next_;  // until the next address is tried, or to go on from a clean stack
};

}  // namespace objectpipes
