#include "transport/http/http_transfer.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace objectpipes {
namespace {

constexpr size_t kBufferBytes = kMaxHeadBytes;
// Below this, a copy costs less than another system call.
constexpr size_t kWorthOwnSpace = size_t{16} << 10;
constexpr size_t kMaxAtOnce = size_t{1} << 20;
constexpr int kSwitchingProtocols = 101;
constexpr int kProxyWantsPassword = 407;
constexpr std::string_view kReplyBegin = "HTTP/";
constexpr int kMaxSteps = 32;  // of one connection, before the others have a turn

}  // namespace

HttpTransfer::HttpTransfer(std::atomic<bool>* answered)
    : answered_(answered), buffer_(new char[kBufferBytes]) {}

void HttpTransfer::Begin(ByteStream* stream, std::string_view text, bool is_head,
                         HttpHandler* handler) {
  reused_ = stream_ != nullptr;
  stream_ = stream;
  handler_ = handler;
  is_head_ = is_head;
  state_ = State::kSending;
  unsent_ = text;
  head_scanned_ = 0;
  interim_replies_ = 0;
  http_status_ = 0;
  Send();
}

HttpTransfer::Step HttpTransfer::Advance() {
  Step step = Step::kGoOn;
  for (int steps = 0; step == Step::kGoOn && steps < kMaxSteps; ++steps) {
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
    }
  }
  return step;
}

uint64_t HttpTransfer::body_left() const {
  return state_ == State::kBody && has_length() ? body_left_ : 0;
}

Status HttpTransfer::Failure(StatusCode code, std::string message) const {
  StatusDetail detail;
  detail.http_status = http_status_;
  return Status(code, std::move(message), std::move(detail));
}

HttpTransfer::Step HttpTransfer::Fail(StatusCode code, std::string message) {
  failure_ = Failure(code, std::move(message));
  return Step::kFailed;
}

HttpTransfer::Step HttpTransfer::Send() {
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

// Receives bytes after those in the buffer.
HttpTransfer::Step HttpTransfer::FillBuffer() {
  if (buffer_begin_ == buffer_end_) buffer_begin_ = buffer_end_ = 0;
  if (buffer_end_ == kBufferBytes && buffer_begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + buffer_begin_, buffer_end_ - buffer_begin_);
    buffer_end_ -= std::exchange(buffer_begin_, 0);
  }
  const int64_t received =
      stream_->Receive(buffer_.get() + buffer_end_, kBufferBytes - buffer_end_);
  if (received == kNotNow) return Step::kWait;
  if (received < 0) return OnEndOfStream(received == kBroken);
  buffer_end_ += static_cast<size_t>(received);
  received_ += static_cast<uint64_t>(received);
  return Step::kGoOn;
}

HttpTransfer::Step HttpTransfer::OnEndOfStream(bool broken) {
  if (state_ == State::kAwaitingHead && reused_ && buffered().empty()) {
    return Step::kRepeat;  // the server closed the idle connection just as we sent
  }
  if (state_ == State::kBody && framing_.kind == BodyFraming::Kind::kUntilClose && !broken) {
    return Step::kComplete;
  }
  if (broken) {
    failure_ = stream_->failure();
    if (failure_.ok()) return Fail(StatusCode::kEndpoint, "the connection was reset");
    failure_.mutable_detail().http_status = http_status_;
    return Step::kFailed;
  }
  if (state_ == State::kAwaitingHead) {
    return Fail(StatusCode::kEndpoint, "the server closed the connection without a reply");
  }
  return Fail(StatusCode::kEndpoint,
              "the server closed the connection " +
                  (has_length() ? std::to_string(body_left_) + " bytes " : std::string()) +
                  "before the end of the body");
}

HttpTransfer::Step HttpTransfer::ReceiveHead() {
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
    return FillBuffer();
  }
  const std::string_view block = buffered().substr(0, end.value() - 4);
  const Result<HttpHead> head = HttpHead::Parse(block);
  if (!head.ok()) return RefuseHead(head.status());
  buffer_begin_ += end.value();
  head_scanned_ = 0;
  if (answered_ != nullptr) *answered_ = true;
  http_status_ = head.value().status();
  if (http_status_ < 200) return PassOverInterim();
  if (http_status_ == kProxyWantsPassword) {
    return Fail(StatusCode::kEndpoint, "the proxy refuses the request with HTTP 407");
  }
  const Result<BodyFraming> framing = FramingOf(head.value(), is_head_);
  if (!framing.ok()) return RefuseHead(framing.status());
  framing_ = framing.value();
  body_left_ = framing_.length;
  chunks_ = ChunkDecoder();
  state_ = State::kBody;
  if (handler_->OnHead(head.value()) == Flow::kStop) {
    return Fail(StatusCode::kCancelled, "stopped by the reader");
  }
  return Step::kGoOn;
}

// On a reused connection these bytes may be the rest of an earlier reply: a server that sends more
// than it announced may do so after we took the body for complete.
HttpTransfer::Step HttpTransfer::RefuseHead(const Status& why) {
  if (reused_) return Step::kRepeat;
  return Fail(why.code(), why.message());
}

// An informational reply: the final reply follows.
HttpTransfer::Step HttpTransfer::PassOverInterim() {
  if (http_status_ == kSwitchingProtocols) {
    return Fail(StatusCode::kProtocol,
                "the server switches to another protocol, which the request did not ask for");
  }
  if (++interim_replies_ > kMaxInterimReplies) {
    return Fail(StatusCode::kProtocol, "the server sends one informational reply after another");
  }
  return Step::kGoOn;
}

HttpTransfer::Step HttpTransfer::ReceiveBody() {
  if (framing_.kind == BodyFraming::Kind::kChunked) return DeliverChunks();
  if (has_length() && body_left_ == 0) return Step::kComplete;
  if (!buffered().empty()) return DeliverBuffered();
  if (has_length() && body_left_ >= kWorthOwnSpace) {
    Space space = handler_->OnSpace();
    space.size = static_cast<size_t>(std::min<uint64_t>(space.size, body_left_));
    if (space.data != nullptr && space.size >= kWorthOwnSpace) return ReceiveInto(space);
  }
  return FillBuffer();
}

HttpTransfer::Step HttpTransfer::ReceiveInto(const Space& space) {
  const int64_t received = stream_->Receive(space.data, std::min(space.size, kMaxAtOnce));
  if (received == kNotNow) return Step::kWait;
  if (received < 0) return OnEndOfStream(received == kBroken);
  received_ += static_cast<uint64_t>(received);
  size_t delivered = 0;
  return Deliver(std::string_view(space.data, static_cast<size_t>(received)), &delivered);
}

HttpTransfer::Step HttpTransfer::Deliver(std::string_view piece, size_t* delivered) {
  switch (handler_->OnData(piece.data(), piece.size())) {
    case Flow::kContinue:
      *delivered = piece.size();
      if (has_length()) body_left_ -= piece.size();
      return Step::kGoOn;
    case Flow::kPause:
      return Step::kPause;
    case Flow::kStop:
      break;
  }
  return Fail(StatusCode::kCancelled, "stopped by the reader");
}

HttpTransfer::Step HttpTransfer::DeliverBuffered() {
  std::string_view piece = buffered();
  if (has_length()) {
    piece = piece.substr(0, static_cast<size_t>(std::min<uint64_t>(piece.size(), body_left_)));
  }
  size_t delivered = 0;
  const Step step = Deliver(piece, &delivered);
  buffer_begin_ += delivered;
  return step;
}

HttpTransfer::Step HttpTransfer::DeliverChunks() {
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
      case ChunkDecoder::Outcome::kNeedMore:
        return FillBuffer();
      case ChunkDecoder::Outcome::kEnd:
        return Step::kComplete;
      case ChunkDecoder::Outcome::kMalformed:
        return Fail(StatusCode::kProtocol, "the body's chunked coding is malformed");
    }
  }
}

}  // namespace objectpipes
