#include "transport/http/http_client.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "net/tls.h"
#include "transport/http/http_connection.h"
#include "transport/http/no_proxy.h"

namespace objectpipes {
namespace {

constexpr int64_t kStallCheckMs = 50;
// The idle connections of a process: descriptors are few, and a server may wait for us to close.
constexpr size_t kMaxIdle = 256;
constexpr int64_t kMaxIdleMs = 60'000;
constexpr int64_t kRecountMs = 1000;   // how long a count of the process's descriptors is valid
constexpr int64_t kNoSocketsMs = 100;  // the wait after the system had no descriptor left

// An exchange whose request must not or cannot be sent. It fails in the next turn of the client,
// because Start() must not call handlers.
class Unsendable final : public Exchange {
 public:
  Unsendable(Reactor* reactor, const Status& why, HttpHandler* handler)
      : timer_(reactor, [why, handler] { handler->OnDone(why); }) {
    timer_.Set(0);
  }
  void Resume() override {}

 private:
  Timer timer_;
};

}  // namespace

bool IsHopeless(const Status& status) {
  if (status.detail().code == kNoTls) return true;
  switch (status.code()) {
    case StatusCode::kTls:
    case StatusCode::kInternal:
    case StatusCode::kConfig:
    case StatusCode::kInvalidArgument:
      return true;
    default:
      return false;
  }
}

// ---------------------------------------------------------------------------------------------------
// HttpSession

HttpSession::HttpSession(HttpClient* client, HttpOptions options)
    : client_(client), options_(std::move(options)), proxy_(HttpProxy::Parse(options_.proxy)) {}

HttpSession::~HttpSession() = default;

ConnectionGroup* HttpSession::GroupOf(const std::string& origin) {
  const auto found = groups_.find(origin);
  if (found != groups_.end()) return &found->second;
  ConnectionGroup* const group = &groups_[origin];
  group->session = this;
  group->origin = origin;
  Result<RemoteHost> host = RemoteHost::Parse(origin);
  if (!host.ok()) {
    group->error = host.status();
    return group;
  }
  group->host = std::move(host).value();
  if (!BypassesProxy(options_.no_proxy, group->host)) {
    group->error = proxy_.status();
    if (proxy_.ok()) group->proxy = proxy_.value();
  }
  DialOptions& dial = group->dial;
  dial.tls = options_.tls;
  dial.proxy = group->proxy.remote();
  dial.tunnel = !group->proxy.Forwards(origin);
  dial.proxy_authorization = group->proxy.authorization();
  dial.user_agent = options_.user_agent;
  dial.timeout_ms = options_.connect_timeout_ms;
  return group;
}

std::unique_ptr<Exchange> HttpSession::Start(const HttpRequest& request, HttpHandler* handler) {
  ConnectionGroup* const group = GroupOf(std::string(request.origin()));
  Result<std::string> text = RequestText(request, options_.user_agent, group->proxy);
  Reactor* const reactor = client_->network_.reactor();
  if (!text.ok()) return std::make_unique<Unsendable>(reactor, text.status(), handler);
  if (options_.requests != nullptr) options_.requests->fetch_add(1, std::memory_order_relaxed);
  if (!group->error.ok()) return std::make_unique<Unsendable>(reactor, group->error, handler);
  auto exchange = std::make_unique<HttpExchange>(
      std::move(text).value(), request.method == HttpRequest::Method::kHead, handler);
  if (!client_->waiting_.empty() || !client_->Serve(group, exchange.get())) {
    client_->Enqueue(group, exchange.get(), false);
  }
  return exchange;
}

void HttpSession::CloseIdle(const std::string& origin) {
  const auto found = groups_.find(origin);
  if (found != groups_.end()) found->second.idle.clear();
}

// ---------------------------------------------------------------------------------------------------
// HttpClient

HttpClient::HttpClient(size_t max_connections, std::string name_servers)
    : network_(std::move(name_servers)), given_max_connections_(max_connections) {}

HttpClient::~HttpClient() { to_delete_.clear(); }

int64_t HttpClient::Wait(int64_t max_ms) {
  if (!busy_.empty() || !waiting_.empty()) max_ms = std::min(max_ms, kStallCheckMs);
  if (!attention_.empty() || !to_delete_.empty()) max_ms = 0;
  network_.reactor()->Wait(max_ms);
  return max_ms;
}

void HttpClient::Advance(int64_t monotonic_ms) {
  to_delete_.clear();
  network_.reactor()->Dispatch(monotonic_ms);
  CloseIdle();
  ServeWaiting();
  // Handlers start and end exchanges, which marks connections and removes others. Connections
  // marked from now on have their turn next time.
  attended_.swap(attention_);
  for (size_t i = 0; i < attended_.size(); ++i) {  // NOLINT(modernize-loop-convert): it changes
    if (attended_[i] != nullptr) attended_[i]->Advance();
  }
  attended_.clear();
  if (now_ms_ - stalls_checked_ms_ >= kStallCheckMs) {
    stalls_checked_ms_ = now_ms_;
    EndStalled();
  }
}

void HttpClient::CloseIdle() {
  while (!idle_.empty()) {
    HttpConnection* const coldest = idle_.front();
    if (idle_.size() <= kMaxIdle && now_ms_ - coldest->idle_since_ms() < kMaxIdleMs) return;
    coldest->Discard();
  }
}

void HttpClient::EndStalled() {
  for (size_t i = 0; i < busy_.size();) {
    HttpConnection* const connection = busy_[i];
    connection->EndIfStalled();
    if (i < busy_.size() && busy_[i] == connection) ++i;  // else another one has taken its place
  }
}

// ---------------------------------------------------------------------------------------------------
// Waiting for a connection

// Half of what the rest of the process leaves: the program needs descriptors, too.
size_t HttpClient::MaxConnections() {
  if (given_max_connections_ > 0) return given_max_connections_;
  if (descriptors_counted_ms_ < 0 || now_ms_ - descriptors_counted_ms_ >= kRecountMs) {
    descriptors_counted_ms_ = now_ms_;
    const Descriptors descriptors = CountDescriptors();
    const size_t of_others = descriptors.open - std::min(live_, descriptors.open);
    const size_t left = descriptors.limit - std::min(of_others, descriptors.limit);
    max_connections_ = std::max<size_t>(left / 2, 1);
  }
  return max_connections_;
}

bool HttpClient::MayOpen(const ConnectionGroup& group) {
  const auto of_origin = live_of_origin_.find(group.origin);
  if (of_origin != live_of_origin_.end() && of_origin->second >= kMaxPerEndpoint) return false;
  return live_ < MaxConnections() && now_ms_ >= no_sockets_until_ms_;
}

// Over an idle connection, or a new one. False: it has to wait.
bool HttpClient::Serve(ConnectionGroup* group, HttpExchange* exchange) {
  std::unique_ptr<HttpConnection> connection;
  while (connection == nullptr && !group->idle.empty()) {
    if (group->idle.back()->IsQuiet()) connection = std::move(group->idle.back());
    group->idle.pop_back();
  }
  if (connection == nullptr) {
    if (!MayOpen(*group) && !MakeRoomFor(*group)) return false;
    connection = std::make_unique<HttpConnection>(group);
  }
  HttpConnection* const server = connection.get();
  server->Serve(std::move(connection), exchange);
  return true;
}

void HttpClient::Enqueue(ConnectionGroup* group, HttpExchange* exchange, bool first) {
  if (group->waiting.empty()) waiting_.push_back(group);
  const auto before = first ? group->waiting.begin() : group->waiting.end();
  exchange->WaitIn(group, group->waiting.insert(before, exchange));
}

void HttpClient::Dequeue(ConnectionGroup* group, std::list<HttpExchange*>::iterator place) {
  group->waiting.erase(place);
  if (group->waiting.empty()) waiting_.erase(std::find(waiting_.begin(), waiting_.end(), group));
}

// The group with the fewest connections comes first. One that has none to spare takes an idle one
// from a group that has at least two more, so that all come to about the same and connections do
// not move to and fro.
void HttpClient::ServeWaiting() {
  if (waiting_.empty()) return;
  const auto fewer = [](const ConnectionGroup* a, const ConnectionGroup* b) {
    return a->live < b->live;
  };
  bool served = true;
  while (served && !waiting_.empty()) {
    std::vector<ConnectionGroup*> groups = waiting_;
    std::stable_sort(groups.begin(), groups.end(), fewer);
    served = std::any_of(groups.begin(), groups.end(), [this](ConnectionGroup* group) {
      HttpExchange* const exchange = group->waiting.front();
      if (!Serve(group, exchange)) return false;
      exchange->StopWaiting();
      return true;
    });
  }
}

// Closes an idle connection if that makes it possible to open one for this group.
bool HttpClient::MakeRoomFor(const ConnectionGroup& group) {
  const auto of_origin = live_of_origin_.find(group.origin);
  const bool same_origin =
      of_origin != live_of_origin_.end() && of_origin->second >= kMaxPerEndpoint;
  for (HttpConnection* connection : idle_) {
    const ConnectionGroup& other = connection->group();
    if (same_origin && other.origin != group.origin) continue;
    if (!other.waiting.empty() && other.live < group.live + 2) continue;
    connection->Discard();
    return MayOpen(group);
  }
  return false;
}

// The system refused a socket: there are fewer than counted.
void HttpClient::LowerMaxConnections() {
  max_connections_ = std::max<size_t>(live_, 2) - 1;
  descriptors_counted_ms_ = now_ms_;
  no_sockets_until_ms_ = now_ms_ + kNoSocketsMs;
}

}  // namespace objectpipes
