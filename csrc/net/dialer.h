// Opens one connection: name, address, proxy, tunnel, TLS. It never blocks.
//
// It tries addresses as RFC 8305 says: the next one when one has failed, or has not answered for a
// quarter of a second. The first to answer is used.
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
  TlsOptions tls;  // for the proxy and for the server
  std::optional<RemoteHost> proxy;
  bool tunnel = false;              // through the proxy; false: requests go to the proxy itself
  std::string proxy_authorization;  // the value of Proxy-Authorization; empty: none
  std::string user_agent;           // for the proxy
  int64_t timeout_ms = 0;           // for all steps together; 0: none
};

// An open connection.
struct Dialed {
  std::unique_ptr<ByteStream> stream;
  SocketHandle socket = kNoSocket;  // the stream's
  bool is_tls = false;
};

// The code of a failure on this machine: no descriptor is left for a socket.
inline constexpr char kOutOfDescriptors[] = "OutOfDescriptors";

class Dialer final : private Watcher {
 public:
  using OnDone = std::function<void(Result<Dialed>)>;

  // Starts. The options outlive the dialer. The reactor calls the function, which may destroy the
  // dialer.
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
  std::string errors_;  // of the failed addresses

  Stage stage_ = Stage::kConnecting;
  SocketAddress address_;  // the one that answered
  Dialed dialed_;
  Watch watch_;
  TlsStream* tls_ = nullptr;  // during its handshake
  std::shared_ptr<TlsContext> tls_context_;
  std::shared_ptr<TlsTickets> tickets_;  // while waiting for one
  TlsTickets::Waiter ticket_waiter_;
  int64_t ticket_deadline_ms_ = INT64_MAX;
  std::unique_ptr<Tunnel> tunnel_;
  std::optional<Status> failure_;

  Timer timeout_;
  Timer next_;  // for the next address, or to continue with an empty stack
};

}  // namespace objectpipes
