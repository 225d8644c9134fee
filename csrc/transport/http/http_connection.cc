#include "transport/http/http_connection.h"

#include <algorithm>
#include <utility>

namespace objectpipes {
namespace {

// The poller reports a large body in batches: a turn for each TLS record costs as much as
// decrypting it. What comes more slowly is looked for after kMaxBatchMs.
constexpr int kBatchBytes = 128 << 10;
constexpr int64_t kMaxBatchMs = 50;

}  // namespace

// ---------------------------------------------------------------------------------------------------
// HttpExchange

HttpExchange::~HttpExchange() {
  if (queue_ != nullptr) StopWaiting();
  if (connection_ != nullptr) connection_->Abandon();
}

void HttpExchange::StopWaiting() {
  ConnectionGroup* const group = std::exchange(queue_, nullptr);
  group->session->client_->Dequeue(group, place_);
}

void HttpExchange::Resume() {
  if (connection_ != nullptr) connection_->Resume();
}

// ---------------------------------------------------------------------------------------------------
// From connecting to closing

HttpConnection::HttpConnection(ConnectionGroup* group)
    : group_(group),
      session_(group->session),
      client_(session_->client_),
      watch_(client_->network_.reactor()->poller(), this),
      transfer_(session_->options_.answered) {
  ++group_->live;
  ++client_->live_of_origin_[group_->origin];
  ++client_->live_;
}

HttpConnection::~HttpConnection() {
  if (idle()) client_->idle_.erase(idle_place_);
  for (auto* const list : {&client_->attention_, &client_->attended_}) {
    if (marked_)
      std::replace(list->begin(), list->end(), this, static_cast<HttpConnection*>(nullptr));
  }
  if (counted_) Uncount();
}

void HttpConnection::Uncount() {
  counted_ = false;
  --client_->live_;
  --group_->live;
  const auto of_origin = client_->live_of_origin_.find(group_->origin);
  if (--of_origin->second == 0) client_->live_of_origin_.erase(of_origin);
}

void HttpConnection::OnDialed(Result<Dialed> outcome) {
  dialer_.reset();
  if (outcome.ok()) {
    stream_ = std::move(outcome.value().stream);
    socket_ = outcome.value().socket;
    exchange_->handler_->OnConnected();
    return BeginTransfer();
  }
  if (outcome.status().detail().code != kOutOfDescriptors) return Finish(outcome.status(), false);
  // The exchange does not fail: it waits until there are descriptors.
  client_->LowerMaxConnections();
  client_->Enqueue(group_, Unlink(), true);
  Detach();
}

// The connection serves no exchange any more, and is not reused.
void HttpConnection::Detach() {
  RemoveFromBusy();
  watch_.Stop();
  dialer_.reset();
  stream_.reset();
  Uncount();  // the session may end before this is destroyed
  client_->to_delete_.push_back(std::move(self_));
}

void HttpConnection::RemoveFromBusy() {
  std::vector<HttpConnection*>& busy = client_->busy_;
  busy[busy_index_] = busy.back();
  busy[busy_index_]->busy_index_ = busy_index_;
  busy.pop_back();
}

void HttpConnection::BecomeIdle() {
  RemoveFromBusy();
  last_byte_ms_ = client_->now_ms_;
  WaitForBatch(1);  // of an idle connection, every byte counts
  idle_place_ = client_->idle_.insert(client_->idle_.end(), this);
  WatchSocket();
  group_->idle.push_back(std::move(self_));
}

void HttpConnection::Discard() {
  auto& all = group_->idle;
  all.erase(std::find_if(all.begin(), all.end(),
                         [this](const auto& entry) { return entry.get() == this; }));
}

// ---------------------------------------------------------------------------------------------------
// The socket

void HttpConnection::OnReady(uint8_t /*events*/) {
  if (idle()) {
    if (!IsQuiet()) Discard();
  } else if (paused_) {
    watch_.Stop();  // until Resume(); data may be there all the time
  } else {
    Mark();
  }
}

void HttpConnection::WatchSocket() {
  uint8_t events = kRead;
  if (transfer_.unsent() || stream_->wants_write()) events |= kWrite;
  watch_.Set(socket_, events);
}

// The system may allow larger ones later on.
void HttpConnection::WaitForBatch(int bytes) {
  if (bytes > batch_ || (bytes == 1 && batch_ > 1)) batch_ = SetLowWater(socket_, bytes);
}

// The connection has something to do.
void HttpConnection::Mark() {
  if (marked_) return;
  marked_ = true;
  client_->attention_.push_back(this);
}

// ---------------------------------------------------------------------------------------------------
// Exchanges

void HttpConnection::Serve(std::unique_ptr<HttpConnection> self, HttpExchange* exchange) {
  if (idle()) client_->idle_.erase(idle_place_);
  self_ = std::move(self);
  exchange_ = exchange;
  exchange->connection_ = this;
  busy_index_ = client_->busy_.size();
  client_->busy_.push_back(this);
  if (stream_ != nullptr) return BeginTransfer();
  dialer_ =
      std::make_unique<Dialer>(&client_->network_, &group_->dial, group_->host,
                               [this](Result<Dialed> outcome) { OnDialed(std::move(outcome)); });
}

void HttpConnection::BeginTransfer() {
  paused_ = false;
  last_byte_ms_ = client_->now_ms_;
  transfer_.Begin(stream_.get(), exchange_->text_, exchange_->is_head_, exchange_->handler_);
  WatchSocket();
}

HttpExchange* HttpConnection::Unlink() {
  HttpExchange* const exchange = std::exchange(exchange_, nullptr);
  exchange->connection_ = nullptr;
  return exchange;
}

void HttpConnection::Abandon() {
  Unlink();
  Detach();
}

void HttpConnection::Resume() {
  if (!paused_) return;
  paused_ = false;
  Mark();
  last_byte_ms_ = client_->now_ms_;
}

void HttpConnection::EndIfStalled() {
  const int64_t limit_ms = session_->options_.stall_timeout_ms;
  if (paused_ || stream_ == nullptr) return;
  const int64_t silent_ms = client_->now_ms_ - last_byte_ms_;
  if (batch_ > 1 && silent_ms >= kMaxBatchMs) Mark();  // less than a batch may be there
  if (limit_ms <= 0 || silent_ms <= limit_ms) return;
  group_->idle.clear();  // what has silenced this one may have dropped those, too
  const std::string why = "no byte arrived for " + std::to_string(limit_ms) + " ms";
  Finish(transfer_.Failure(StatusCode::kTimeout, why), false);
}

void HttpConnection::Advance() {
  marked_ = false;
  if (exchange_ == nullptr) return;
  const uint64_t received = transfer_.received();
  const HttpTransfer::Step step = transfer_.Advance();
  if (transfer_.received() > received) last_byte_ms_ = client_->now_ms_;
  switch (step) {
    case HttpTransfer::Step::kGoOn:
      return Mark();
    case HttpTransfer::Step::kWait:
      WaitForBatch(transfer_.body_left() >= 2 * uint64_t{kBatchBytes} ? kBatchBytes : 1);
      return WatchSocket();
    case HttpTransfer::Step::kPause:
      paused_ = true;
      return;
    case HttpTransfer::Step::kComplete:
      return Finish(Status::Ok(), transfer_.reusable());
    case HttpTransfer::Step::kRepeat:
      return MoveToFreshConnection();
    case HttpTransfer::Step::kFailed:
      return Finish(transfer_.failure(), false);
  }
}

void HttpConnection::MoveToFreshConnection() {
  HttpExchange* const exchange = Unlink();
  Detach();
  auto fresh = std::make_unique<HttpConnection>(group_);
  HttpConnection* const server = fresh.get();
  server->Serve(std::move(fresh), exchange);
}

// Where every exchange ends that is not cancelled. The connection is in its final state before the
// handler is called, because that may start the next exchange on it.
void HttpConnection::Finish(const Status& status, bool reusable) {
  HttpHandler* const handler = Unlink()->handler_;
  Status outcome = status;
  if (!outcome.ok()) outcome.mutable_detail().endpoint = group_->host.ToString();
  if (reusable) {
    BecomeIdle();
  } else {
    Detach();
  }
  handler->OnDone(outcome);
}

}  // namespace objectpipes
