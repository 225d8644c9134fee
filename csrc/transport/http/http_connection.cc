#include "transport/http/http_connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "transport/http/authority.h"

namespace objectpipes {
namespace {

constexpr size_t kBufferBytes = kMaxHeadBytes;
constexpr size_t kWorthOwnSpace = size_t{16}
                                  << 10;  // below this, a copy costs less than another system call
constexpr size_t kMaxAtOnce = size_t{1} << 20;
// The poller reports a large body in batches: a turn for each TLS record costs as much as
// decrypting it. What comes more slowly is looked for after kMaxBatchMs.
constexpr int kBatchBytes = 128 << 10;
constexpr int64_t kMaxBatchMs = 50;
constexpr int kSwitchingProtocols = 101;
constexpr int kProxyWantsPassword = 407;
constexpr std::string_view kReplyBegin = "HTTP/";
constexpr int kMaxSteps = 32;  // of one connection, before the others have a turn

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
// Connecting

HttpConnection::HttpConnection(ConnectionGroup* group)
    : group_(group),
      session_(group->session),
      client_(session_->client_),
      watch_(client_->network_.reactor()->poller(), this),
      buffer_(new char[kBufferBytes]) {
  ++group_->live;
  ++client_->live_of_origin_[group_->origin];
  ++client_->live_;
}

HttpConnection::~HttpConnection() {
  if (state_ == State::kIdle) client_->idle_.erase(idle_place_);
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
  if (!outcome.ok()) {
    if (outcome.status().detail().code != kOutOfDescriptors) {
      Finish(outcome.status(), false);
      return;
    }
    // The exchange does not fail: it waits until there are descriptors.
    client_->LowerMaxConnections();
    HttpExchange* const exchange = std::exchange(exchange_, nullptr);
    exchange->connection_ = nullptr;
    client_->Enqueue(group_, exchange, true);
    Detach();
    return;
  }
  stream_ = std::move(outcome.value().stream);
  socket_ = outcome.value().socket;
  BeginRequest();
  WatchSocket();
}

void HttpConnection::OnReady(uint8_t /*events*/) {
  if (state_ == State::kIdle) {
    if (!IsQuiet()) Discard();
  } else if (paused_) {
    watch_.Stop();  // until Resume(); data may be there all the time
  } else {
    Mark();
  }
}

void HttpConnection::WatchSocket() {
  uint8_t events = kRead;
  if (!unsent_.empty() || stream_->wants_write()) events |= kWrite;
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

void HttpConnection::BecomeIdle() {
  state_ = State::kIdle;
  reused_ = true;
  last_byte_ms_ = client_->now_ms_;
  WaitForBatch(1);  // of an idle connection, every byte counts
  idle_place_ = client_->idle_.insert(client_->idle_.end(), this);
  WatchSocket();
  group_->idle.push_back(std::move(self_));
}

void HttpConnection::Discard() {
  std::deque<std::unique_ptr<HttpConnection>>& idle = group_->idle;
  idle.erase(std::find_if(idle.begin(), idle.end(),
                          [this](const auto& entry) { return entry.get() == this; }));
}

// ---------------------------------------------------------------------------------------------------
// Exchanges

void HttpConnection::Serve(std::unique_ptr<HttpConnection> self, HttpExchange* exchange) {
  self_ = std::move(self);
  exchange_ = exchange;
  exchange->connection_ = this;
  busy_index_ = client_->busy_.size();
  client_->busy_.push_back(this);
  if (state_ == State::kIdle) {
    client_->idle_.erase(idle_place_);
    BeginRequest();
    WatchSocket();
  } else {
    dialer_ =
        std::make_unique<Dialer>(&client_->network_, &group_->dial, group_->host,
                                 [this](Result<Dialed> outcome) { OnDialed(std::move(outcome)); });
  }
}

void HttpConnection::BeginRequest() {
  state_ = State::kSending;
  paused_ = false;
  http_status_ = 0;
  head_scanned_ = 0;
  interim_replies_ = 0;
  unsent_ = exchange_->text();
  last_byte_ms_ = client_->now_ms_;
  Send();
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

void HttpConnection::Abandon() {
  exchange_->connection_ = nullptr;
  exchange_ = nullptr;
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
  if (paused_ || state_ == State::kConnecting) return;
  const int64_t silent_ms = client_->now_ms_ - last_byte_ms_;
  if (batch_ > 1 && silent_ms >= kMaxBatchMs) Mark();  // less than a batch may be there
  if (limit_ms <= 0 || silent_ms <= limit_ms) return;
  Fail(StatusCode::kTimeout, "no byte arrived for " + std::to_string(limit_ms) + " ms");
}

void HttpConnection::Advance() {
  marked_ = false;
  if (exchange_ == nullptr) return;
  Step step = Step::kGoOn;
  for (int steps = 0; step == Step::kGoOn; ++steps) {
    if (steps == kMaxSteps) {
      Mark();
      return;
    }
    switch (state_) {
      case State::kSending:
        step = Send();
        break;
      case State::kAwaitingHead:
        step = ReceiveHead();
        break;
      case State::kBody:
        step = ReceiveBody();
        break;
      case State::kConnecting:
      case State::kIdle:
        return;
    }
  }
  if (step != Step::kWait || paused_ || stream_ == nullptr) return;
  const bool large = state_ == State::kBody && framing_.kind == BodyFraming::Kind::kLength &&
                     body_left_ >= 2 * uint64_t{kBatchBytes};
  WaitForBatch(large ? kBatchBytes : 1);
  WatchSocket();
}

// The only place where an exchange ends. The connection is in its final state before the handler is
// called, because that may start the next exchange on it.
HttpConnection::Step HttpConnection::Finish(const Status& status, bool reusable) {
  HttpHandler* handler = exchange_->handler();
  Status outcome = status;
  if (!outcome.ok()) outcome.mutable_detail().endpoint = HostAndPortOf(group_->origin);
  exchange_->connection_ = nullptr;
  exchange_ = nullptr;
  if (reusable) {
    RemoveFromBusy();
    BecomeIdle();
  } else {
    Detach();
  }
  handler->OnDone(outcome);
  return Step::kFinished;
}

HttpConnection::Step HttpConnection::Complete() {
  const bool clean = buffer_begin_ == buffer_end_ && unsent_.empty();
  return Finish(Status::Ok(), framing_.keep_alive && clean);
}

HttpConnection::Step HttpConnection::Fail(StatusCode code, const std::string& message) {
  StatusDetail detail;
  detail.http_status = http_status_;
  return Finish(Status(code, message, std::move(detail)), false);
}

// ---------------------------------------------------------------------------------------------------
// Sending

HttpConnection::Step HttpConnection::Send() {
  while (!unsent_.empty()) {
    const int64_t sent = stream_->Send(unsent_.data(), unsent_.size());
    if (sent == kNotNow) return Step::kWait;
    // If the connection is broken, the server may have sent the reason; otherwise the end of the
    // stream follows.
    unsent_.remove_prefix(sent < 0 ? unsent_.size() : static_cast<size_t>(sent));
  }
  state_ = State::kAwaitingHead;
  return Step::kWait;
}

// ---------------------------------------------------------------------------------------------------
// Receiving

// Receives bytes after those in the buffer. False: `step` says how to continue.
bool HttpConnection::FillBuffer(Step* step) {
  if (buffer_begin_ == buffer_end_) buffer_begin_ = buffer_end_ = 0;
  if (buffer_end_ == kBufferBytes && buffer_begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + buffer_begin_, buffer_end_ - buffer_begin_);
    buffer_end_ -= std::exchange(buffer_begin_, 0);
  }
  const int64_t received =
      stream_->Receive(buffer_.get() + buffer_end_, kBufferBytes - buffer_end_);
  if (received > 0) {
    buffer_end_ += static_cast<size_t>(received);
    last_byte_ms_ = client_->now_ms_;
    return true;
  }
  *step = received == kNotNow ? Step::kWait : OnEndOfStream(received == kBroken);
  return false;
}

// For a request that did not reach the server on this connection, or whose reply cannot be told
// from the rest of an earlier one. The request does not fail.
HttpConnection::Step HttpConnection::MoveToFreshConnection() {
  HttpExchange* exchange = std::exchange(exchange_, nullptr);
  Detach();
  auto fresh = std::make_unique<HttpConnection>(group_);
  HttpConnection* server = fresh.get();
  server->Serve(std::move(fresh), exchange);
  return Step::kFinished;
}

HttpConnection::Step HttpConnection::OnEndOfStream(bool broken) {
  if (state_ == State::kAwaitingHead && reused_ && buffered().empty()) {
    return MoveToFreshConnection();  // the server closed the idle connection just as we sent
  }
  if (state_ == State::kBody && framing_.kind == BodyFraming::Kind::kUntilClose && !broken) {
    return Complete();
  }
  if (broken) {
    const std::string reason = stream_->failure();
    return Fail(StatusCode::kEndpoint, reason.empty() ? "the connection was reset" : reason);
  }
  if (state_ == State::kAwaitingHead) {
    return Fail(StatusCode::kEndpoint, "the server closed the connection without a reply");
  }
  return Fail(StatusCode::kEndpoint,
              framing_.kind == BodyFraming::Kind::kLength
                  ? "the server closed the connection " + std::to_string(body_left_) +
                        " bytes before the end of the body"
                  : "the server closed the connection before the end of the body");
}

HttpConnection::Step HttpConnection::ReceiveHead() {
  const Result<size_t> end = FindHeadEnd(buffered(), head_scanned_);
  if (!end.ok()) return RefuseHead(end.status());
  if (end.value() == std::string_view::npos) {
    head_scanned_ = buffered().size();
    if (head_scanned_ == kMaxHeadBytes) {
      return Fail(StatusCode::kProtocol, "the head of the reply is longer than 64 KiB");
    }
    // Does not wait for the rest of a text that cannot become a reply.
    const std::string_view begin = buffered().substr(0, kReplyBegin.size());
    if (kReplyBegin.substr(0, begin.size()) != begin) {
      return RefuseHead(HttpHead::Parse(buffered()).status());
    }
    Step step = Step::kGoOn;
    FillBuffer(&step);
    return step;
  }
  const std::string_view block = buffered().substr(0, end.value() - 4);
  const Result<HttpHead> head = HttpHead::Parse(block);
  if (!head.ok()) return RefuseHead(head.status());
  buffer_begin_ += end.value();
  head_scanned_ = 0;
  if (session_->options_.answered != nullptr) *session_->options_.answered = true;
  http_status_ = head.value().status();
  if (http_status_ < 200) return PassOverInterim();
  if (http_status_ == kProxyWantsPassword) {
    return Fail(StatusCode::kEndpoint, "the proxy refuses the request with HTTP 407");
  }
  const Result<BodyFraming> framing = FramingOf(head.value(), exchange_->is_head());
  if (!framing.ok()) return RefuseHead(framing.status());
  framing_ = framing.value();
  body_left_ = framing_.length;
  chunks_ = ChunkDecoder();
  state_ = State::kBody;
  if (exchange_->handler()->OnHead(head.value()) == Flow::kStop) {
    return Fail(StatusCode::kCancelled, "stopped by the reader");
  }
  return Step::kGoOn;
}

// On a reused connection these bytes may be the rest of an earlier reply: a server that sends more
// than it announced may do so after we took the body for complete.
HttpConnection::Step HttpConnection::RefuseHead(const Status& why) {
  if (reused_) return MoveToFreshConnection();
  return Fail(why.code(), why.message());
}

// An informational reply: the final reply follows.
HttpConnection::Step HttpConnection::PassOverInterim() {
  if (http_status_ == kSwitchingProtocols) {
    return Fail(StatusCode::kProtocol,
                "the server switches to another protocol, which the request did not ask for");
  }
  if (++interim_replies_ > kMaxInterimReplies) {
    return Fail(StatusCode::kProtocol, "the server sends one informational reply after another");
  }
  return Step::kGoOn;
}

HttpConnection::Step HttpConnection::ReceiveBody() {
  if (framing_.kind == BodyFraming::Kind::kLength && body_left_ == 0) return Complete();
  if (!buffered().empty() || framing_.kind == BodyFraming::Kind::kChunked) {
    const Step step = DeliverBuffered();
    if (step != Step::kGoOn || framing_.kind == BodyFraming::Kind::kChunked) return step;
    return framing_.kind == BodyFraming::Kind::kLength && body_left_ == 0 ? Complete()
                                                                          : Step::kGoOn;
  }
  if (framing_.kind == BodyFraming::Kind::kLength && body_left_ >= kWorthOwnSpace) {
    Space space = exchange_->handler()->OnSpace();
    space.size = static_cast<size_t>(std::min<uint64_t>(space.size, body_left_));
    if (space.data != nullptr && space.size >= kWorthOwnSpace) return ReceiveInto(space);
  }
  Step step = Step::kGoOn;
  FillBuffer(&step);
  return step;
}

HttpConnection::Step HttpConnection::ReceiveInto(const Space& space) {
  const int64_t received = stream_->Receive(space.data, std::min(space.size, kMaxAtOnce));
  if (received == kNotNow) return Step::kWait;
  if (received < 0) return OnEndOfStream(received == kBroken);
  last_byte_ms_ = client_->now_ms_;
  size_t delivered = 0;
  return Deliver(std::string_view(space.data, static_cast<size_t>(received)), &delivered);
}

HttpConnection::Step HttpConnection::Deliver(std::string_view piece, size_t* delivered) {
  switch (exchange_->handler()->OnData(piece.data(), piece.size())) {
    case Flow::kContinue:
      *delivered = piece.size();
      if (framing_.kind == BodyFraming::Kind::kLength) body_left_ -= piece.size();
      return Step::kGoOn;
    case Flow::kPause:
      paused_ = true;
      return Step::kWait;
    case Flow::kStop:
      break;
  }
  return Fail(StatusCode::kCancelled, "stopped by the reader");
}

HttpConnection::Step HttpConnection::DeliverBuffered() {
  if (framing_.kind == BodyFraming::Kind::kChunked) return DeliverChunks();
  std::string_view piece = buffered();
  if (framing_.kind == BodyFraming::Kind::kLength) {
    piece = piece.substr(0, static_cast<size_t>(std::min<uint64_t>(piece.size(), body_left_)));
  }
  size_t delivered = 0;
  const Step step = Deliver(piece, &delivered);
  buffer_begin_ += delivered;
  return step;
}

HttpConnection::Step HttpConnection::DeliverChunks() {
  while (true) {
    std::string_view input = buffered();
    std::string_view piece;
    const ChunkDecoder::Outcome outcome = chunks_.Next(&input, &piece);
    buffer_begin_ = buffer_end_ - input.size();
    switch (outcome) {
      case ChunkDecoder::Outcome::kPiece: {
        size_t delivered = 0;
        const Step step = Deliver(piece, &delivered);
        if (step != Step::kGoOn) return step;
        buffer_begin_ += delivered;
        chunks_.Take(delivered);
        break;
      }
      case ChunkDecoder::Outcome::kNeedMore: {
        Step step = Step::kGoOn;
        FillBuffer(&step);
        return step;
      }
      case ChunkDecoder::Outcome::kEnd:
        return Complete();
      case ChunkDecoder::Outcome::kMalformed:
        return Fail(StatusCode::kProtocol, "the body's chunked coding is malformed");
    }
  }
}

}  // namespace objectpipes
