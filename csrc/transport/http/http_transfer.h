// One request and its reply over the stream of a connection: sends the text, finds the head and the
// end of the body, and gives both to the handler.
//
// It knows no connections. What Advance() returns says what becomes of the stream and the exchange.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/byte_stream.h"
#include "transport/http/http_client.h"
#include "transport/http/http_response.h"

namespace objectpipes {

class HttpTransfer {
 public:
  enum class Step : uint8_t {
    kGoOn,      // there is more to do at once
    kWait,      // until the socket is ready
    kPause,     // until the handler takes bytes again
    kComplete,  // the whole reply was delivered; see reusable()
    kRepeat,    // send the request again, on a fresh connection: this one had no reply to it
    kFailed,    // for the reason of failure()
  };

  // `answered` is set once a server has replied; may be null.
  explicit HttpTransfer(std::atomic<bool>* answered);

  // Begins the next exchange of this stream, which is always the same. Stream, text and handler
  // outlive the exchange.
  void Begin(ByteStream* stream, std::string_view text, bool is_head, HttpHandler* handler);
  // Sends and receives as much as there is, but gives other connections their turn.
  Step Advance();

  bool unsent() const { return !unsent_.empty(); }
  uint64_t received() const { return received_; }  // bytes, of all exchanges
  // How much of the body is missing; 0 if its length is not known.
  uint64_t body_left() const;
  // Whether the stream can serve another exchange.
  bool reusable() const { return framing_.keep_alive && buffered().empty() && unsent_.empty(); }
  const Status& failure() const { return failure_; }
  // A failure of this exchange, with the status of its reply.
  Status Failure(StatusCode code, std::string message) const;

 private:
  enum class State : uint8_t { kSending, kAwaitingHead, kBody };

  Step Send();
  Step ReceiveHead();
  Step RefuseHead(const Status& why);
  Step PassOverInterim();
  Step ReceiveBody();
  Step ReceiveInto(const Space& space);
  Step DeliverBuffered();
  Step DeliverChunks();
  Step Deliver(std::string_view piece, size_t* delivered);
  Step FillBuffer();
  Step OnEndOfStream(bool broken);
  Step Fail(StatusCode code, std::string message);

  bool has_length() const { return framing_.kind == BodyFraming::Kind::kLength; }
  std::string_view buffered() const {
    return std::string_view(buffer_.get() + buffer_begin_, buffer_end_ - buffer_begin_);
  }

  std::atomic<bool>* const answered_;
  ByteStream* stream_ = nullptr;
  bool reused_ = false;  // the stream served an exchange before
  uint64_t received_ = 0;
  std::unique_ptr<char[]> buffer_;  // received and not yet parsed
  size_t buffer_begin_ = 0;
  size_t buffer_end_ = 0;

  // Of this exchange.
  HttpHandler* handler_ = nullptr;
  bool is_head_ = false;
  State state_ = State::kSending;
  std::string_view unsent_;  // of the request
  size_t head_scanned_ = 0;  // how much of the buffer
  int interim_replies_ = 0;
  int http_status_ = 0;
  BodyFraming framing_;
  uint64_t body_left_ = 0;  // kLength only
  ChunkDecoder chunks_;
  Status failure_;
};

}  // namespace objectpipes
