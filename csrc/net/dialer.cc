#include "net/dialer.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace objectpipes {
namespace {

constexpr int64_t kNextAddressMs = 250;  // RFC 8305, 5
constexpr int64_t kMaxTicketWaitMs = 500;
constexpr size_t kMaxErrorText = 300;

Status Failure(StatusCode status, const char* code, std::string message) {
  StatusDetail detail;
  detail.code = code;
  return Status(status, std::move(message), std::move(detail));
}

}  // namespace

// Connecting to one address.
class Dialer::Attempt final : public Watcher {
 public:
  Attempt(Dialer* dialer, const SocketAddress& address)
      : dialer_(dialer), address_(address), watch_(dialer->network_->reactor()->poller(), this) {}

  // Returns the system's error code; 0 if the connection is in progress.
  int Begin() {
    const int error = socket_.Connect(address_);
    if (error == 0) watch_.Set(socket_.handle(), kWrite);
    return error;
  }
  // Destroys this.
  void OnReady(uint8_t /*events*/) override { dialer_->OnAttempt(this, socket_.ConnectError()); }

  const SocketAddress& address() const { return address_; }
  Socket TakeSocket() {
    watch_.Stop();
    return std::move(socket_);
  }

 private:
  Dialer* const dialer_;
  const SocketAddress address_;
  Socket socket_;
  Watch watch_;  // destroyed before the socket
};

Dialer::Dialer(Network* network, const DialOptions* options, RemoteHost origin, OnDone on_done)
    : network_(network),
      options_(options),
      origin_(std::move(origin)),
      on_done_(std::move(on_done)),
      watch_(network->reactor()->poller(), this),
      timeout_(network->reactor(), [this] { OnTimeout(); }),
      next_(network->reactor(), [this] {
        if (failure_) return Finish();
        if (stage_ == Stage::kConnecting) return TryNext();
        Advance();
      }) {
  if (options_->timeout_ms > 0) timeout_.Set(MonotonicMs() + options_->timeout_ms);
  const std::string& host = first_hop().host;
  if (const auto literal = SocketAddress::Parse(host, 0)) {
    OnAddresses({*literal});
  } else if (const std::vector<SocketAddress>* known = network_->resolver()->Find(host)) {
    OnAddresses(*known);
  } else {
    question_ = network_->resolver()->Ask(
        host, [this](const Status& status, const std::vector<SocketAddress>& addresses) {
          question_.reset();
          if (status.ok()) return OnAddresses(addresses);
          if (!options_->proxy) return Fail(status);
          Fail(Failure(status.code(), "ProxyUnreachable", "the proxy: " + status.message()));
        });
  }
}

Dialer::~Dialer() {
  StopWaitingForTicket();
  watch_.Stop();
}

void Dialer::OnAddresses(const std::vector<SocketAddress>& addresses) {
  std::vector<SocketAddress> with_port = addresses;
  for (SocketAddress& address : with_port) address.port = first_hop().port;
  untried_ = network_->addresses()->Order(with_port);
  std::reverse(untried_.begin(), untried_.end());
  TryNext();
}

void Dialer::TryNext() {
  while (!untried_.empty()) {
    attempts_.push_back(std::make_unique<Attempt>(this, untried_.back()));
    untried_.pop_back();
    const int error = attempts_.back()->Begin();
    if (error == 0) {
      if (!untried_.empty()) next_.Set(MonotonicMs() + kNextAddressMs);
      return;
    }
    if (IsOutOfDescriptors(error)) {
      untried_.push_back(attempts_.back()->address());
      attempts_.pop_back();
      if (!attempts_.empty()) return;
      return Fail(Failure(StatusCode::kEndpoint, kOutOfDescriptors, SystemErrorText(error)));
    }
    errors_ += "; " + attempts_.back()->address().ToString() + ": " + SystemErrorText(error);
    network_->addresses()->NoteDead(attempts_.back()->address());
    attempts_.pop_back();
  }
  if (!attempts_.empty()) return;
  network_->resolver()->Forget(first_hop().host);
  if (errors_.size() > kMaxErrorText) errors_ = errors_.substr(0, kMaxErrorText) + " ...";
  Fail(Failure(StatusCode::kEndpoint, options_->proxy ? "ProxyUnreachable" : "ConnectFailed",
               std::string("cannot connect to ") + (options_->proxy ? "the proxy " : "") +
                   first_hop().ToString() + errors_.replace(0, 1, ":")));
}

void Dialer::OnAttempt(Attempt* attempt, int error) {
  const auto place = std::find_if(attempts_.begin(), attempts_.end(),
                                  [attempt](const auto& entry) { return entry.get() == attempt; });
  if (error != 0) {
    errors_ += "; " + attempt->address().ToString() + ": " + SystemErrorText(error);
    network_->addresses()->NoteDead(attempt->address());
    attempts_.erase(place);
    next_.Cancel();
    return TryNext();
  }
  // Attempts that began earlier have had more time, but no answer.
  for (auto slower = attempts_.begin(); slower != place; ++slower) {
    network_->addresses()->NoteDead((*slower)->address());
  }
  address_ = attempt->address();
  network_->addresses()->NoteAlive(address_);
  if (place != attempts_.begin() || !errors_.empty()) network_->addresses()->NoteWinner(address_);
  Socket socket = attempt->TakeSocket();
  attempts_.clear();
  untried_.clear();
  next_.Cancel();
  dialed_.socket = socket.handle();
  dialed_.stream = std::make_unique<TcpStream>(std::move(socket));
  stage_ = After(Stage::kConnecting);
  Advance();
}

Dialer::Stage Dialer::After(Stage stage) const {
  if (stage == Stage::kConnecting && options_->proxy && options_->proxy->tls) {
    return Stage::kProxyTls;
  }
  if (stage < Stage::kTunnel && options_->proxy && options_->tunnel) return Stage::kTunnel;
  if (stage < Stage::kServerTls && origin_.tls) return Stage::kServerTls;
  return Stage::kOpen;
}

void Dialer::OnReady(uint8_t /*events*/) { Advance(); }

void Dialer::Advance() {
  while (stage_ != Stage::kOpen) {
    int64_t outcome = kNotNow;
    if (stage_ == Stage::kTunnel) {
      outcome = AdvanceTunnel();
    } else {
      outcome = AdvanceTls(stage_ == Stage::kProxyTls ? *options_->proxy : origin_);
    }
    if (outcome == kNotNow || failure_) return;
    stage_ = After(stage_);
  }
  Finish();
}

int64_t Dialer::AdvanceTls(const RemoteHost& host) {
  if (tls_ == nullptr) {
    if (tls_context_ == nullptr) {
      Result<std::shared_ptr<TlsContext>> context = network_->TlsContextFor(options_->tls);
      if (!context.ok()) {
        Fail(context.status());
        return kBroken;
      }
      tls_context_ = context.value();
    }
    const std::shared_ptr<TlsTickets> tickets = tls_context_->TicketsOf(host.ToString());
    if (!tickets->may_begin() && MonotonicMs() < ticket_deadline_ms_) {
      if (tickets_ == nullptr) {
        tickets_ = tickets;
        ticket_waiter_ = tickets_->Wait([this] { next_.Set(0); });
        ticket_deadline_ms_ = MonotonicMs() + kMaxTicketWaitMs;
      }
      next_.Set(ticket_deadline_ms_);
      return kNotNow;
    }
    StopWaitingForTicket();
    TlsInput* const input = dialed_.is_tls ? nullptr : network_->tls_input();
    auto stream = std::make_unique<TlsStream>(tls_context_, tickets, host.host,
                                              std::move(dialed_.stream), input);
    tls_ = stream.get();
    dialed_.stream = std::move(stream);
    dialed_.is_tls = true;
  }
  const int64_t outcome = tls_->Handshake();
  if (outcome == kNotNow) {
    watch_.Set(dialed_.socket, tls_->wants_write() ? kWrite : kRead);
  } else if (outcome == kBroken) {
    if (tls_->failure().code() != StatusCode::kTls) {
      network_->addresses()->NoteDead(address_);
      network_->resolver()->Forget(first_hop().host);
    }
    Fail(tls_->failure());
  } else {
    tls_ = nullptr;
  }
  return outcome;
}

int64_t Dialer::AdvanceTunnel() {
  if (tunnel_ == nullptr) {
    tunnel_ = std::make_unique<Tunnel>(origin_.ToString(), options_->proxy_authorization,
                                       options_->user_agent);
  }
  const int64_t outcome = tunnel_->Advance(dialed_.stream.get());
  if (outcome == kNotNow) {
    const bool write = tunnel_->wants_write() || dialed_.stream->wants_write();
    watch_.Set(dialed_.socket, write ? kWrite : kRead);
  } else if (outcome == kBroken) {
    Fail(tunnel_->error());
  }
  return outcome;
}

void Dialer::StopWaitingForTicket() {
  if (tickets_ == nullptr) return;
  tickets_->StopWaiting(ticket_waiter_);
  tickets_.reset();
  next_.Cancel();
}

void Dialer::OnTimeout() {
  if (failure_) return;
  const std::string limit = " within " + std::to_string(options_->timeout_ms) + " ms";
  std::string what = "connecting to " + first_hop().ToString() + ": no answer" + limit;
  if (question_ != nullptr) {
    what = "the name servers gave no address for " + first_hop().host + limit;
  } else if (stage_ == Stage::kTunnel) {
    what = "the proxy " + first_hop().ToString() + " opened no tunnel to " + origin_.ToString() +
           limit;
  } else if (stage_ != Stage::kConnecting) {
    const RemoteHost& host = stage_ == Stage::kProxyTls ? *options_->proxy : origin_;
    what = "the TLS handshake with " + host.ToString() + " did not finish" + limit;
  }
  for (const auto& attempt : attempts_) network_->addresses()->NoteDead(attempt->address());
  if (stage_ != Stage::kConnecting) network_->addresses()->NoteDead(address_);
  network_->resolver()->Forget(first_hop().host);
  Fail(Failure(StatusCode::kTimeout, "ConnectTimeout", what));
}

void Dialer::Fail(Status status) {
  failure_ = std::move(status);
  question_.reset();
  attempts_.clear();
  StopWaitingForTicket();
  watch_.Stop();
  next_.Set(0);
}

void Dialer::Finish() {
  timeout_.Cancel();
  watch_.Stop();
  // The callback may destroy this.
  const OnDone on_done = on_done_;
  if (failure_) return on_done(*failure_);
  on_done(std::move(dialed_));
}

}  // namespace objectpipes
