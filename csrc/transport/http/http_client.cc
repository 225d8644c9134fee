#include "transport/http/http_client.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/clock.h"
#include "transport/http/http_connection.h"

namespace objectpipes {
namespace {

constexpr int64_t kStallCheckMs = 50;
// Idle connections of a process: descriptors are few, and a server may wait for us to close.
constexpr size_t kMostIdle = 256;
constexpr int64_t kLongestIdleMs = 60'000;

CURLM* NewPoll() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return curl_multi_init();
}

}  // namespace

bool IsHopeless(const Status& status) {
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

// An exchange whose request must not be sent. It fails in the client's next turn, as handlers are
// not called from inside of Start().
class HttpClient::Unsendable final : public Exchange {
 public:
  Unsendable(HttpClient* client, Status why, HttpHandler* handler)
      : client_(client), why_(std::move(why)), handler_(handler) {
    client_->unsendable_.push_back(this);
  }
  ~Unsendable() override {
    auto& all = client_->unsendable_;
    all.erase(std::remove(all.begin(), all.end(), this), all.end());
  }
  void Resume() override {}

  // May destroy this.
  void Fail() {
    const Status why = why_;
    handler_->OnDone(why);
  }

 private:
  HttpClient* const client_;
  const Status why_;
  HttpHandler* const handler_;
};

HttpSession::HttpSession(HttpClient* client, HttpOptions options)
    : client_(client), options_(std::move(options)), proxy_(options_.proxy) {}

HttpSession::~HttpSession() = default;

std::unique_ptr<Exchange> HttpSession::Start(const HttpRequest& request, HttpHandler* handler) {
  Result<std::string> text = RequestText(request, options_.user_agent, proxy_);
  if (!text.ok()) {
    return std::make_unique<HttpClient::Unsendable>(client_, text.status(), handler);
  }
  if (options_.requests != nullptr) options_.requests->fetch_add(1, std::memory_order_relaxed);
  auto exchange =
      std::make_unique<HttpExchange>(std::string(request.origin()), std::move(text).value(),
                                     request.method == HttpRequest::Method::kHead, handler);
  auto& idle = idle_[exchange->origin()];
  std::unique_ptr<HttpConnection> connection;
  while (connection == nullptr && !idle.empty()) {
    if (idle.back()->StillOpen()) connection = std::move(idle.back());
    idle.pop_back();
  }
  if (connection == nullptr)
    connection = std::make_unique<HttpConnection>(this, exchange->origin());
  HttpConnection* server = connection.get();
  server->Serve(std::move(connection), exchange.get());
  return exchange;
}

HttpClient::HttpClient() : poll_(NewPoll()), share_(curl_share_init()) {
  // All used by one thread, so no locks are given.
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
  curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

HttpClient::~HttpClient() {
  to_delete_.clear();
  curl_share_cleanup(share_);
  curl_multi_cleanup(poll_);
}

void HttpClient::Wait(int64_t max_ms) {
  if (!idle()) max_ms = std::min(max_ms, kStallCheckMs);
  if (!unsendable_.empty()) max_ms = 0;
  waited_.clear();
  for (const HttpConnection* connection : busy_) {
    connection->AppendInterest(&waited_);
    if (connection->wants_attention()) max_ms = 0;
    if (const int64_t due_ms = connection->due_ms(); due_ms >= 0) {
      max_ms = std::clamp<int64_t>(due_ms - MonotonicMs(), 0, max_ms);
    }
  }
  curl_multi_poll(poll_, waited_.data(), static_cast<unsigned>(waited_.size()),
                  static_cast<int>(max_ms), nullptr);
  size_t begin = 0;
  for (HttpConnection* connection : busy_) {
    const size_t count = connection->interest_count();
    connection->SetReady(waited_.data() + begin, count);
    begin += count;
  }
}

void HttpClient::Wakeup() { curl_multi_wakeup(poll_); }

void HttpClient::Advance(int64_t now_ms) {
  now_ms_ = now_ms;
  to_delete_.clear();
  EndUnsendable();
  CloseIdle();
  // Handlers start and end exchanges, which moves connections about; one that is missed here is
  // still marked and has its turn next time.
  for (size_t i = 0; i < busy_.size(); ++i) {  // NOLINT(modernize-loop-convert): it changes
    if (busy_[i]->wants_attention()) busy_[i]->Advance();
  }
  if (now_ms - stalls_checked_ms_ >= kStallCheckMs) {
    stalls_checked_ms_ = now_ms;
    EndStalled();
  }
}

// Those that are there now: a handler may start others.
void HttpClient::EndUnsendable() {
  for (size_t left = unsendable_.size(); left > 0 && !unsendable_.empty(); --left) {
    Unsendable* const first = unsendable_.front();
    unsendable_.erase(unsendable_.begin());
    first->Fail();
  }
}

void HttpClient::CloseIdle() {
  while (!idle_.empty()) {
    HttpConnection* const coldest = idle_.front();
    if (idle_.size() <= kMostIdle && now_ms_ - coldest->idle_since_ms() < kLongestIdleMs) return;
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

}  // namespace objectpipes
