// One connection to one server, and the exchange it serves at the moment.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "transport/http/channel.h"
#include "transport/http/http_client.h"

namespace objectpipes {

class HttpExchange;

class HttpConnection {
 public:
  // Begins to connect. `origin`: "scheme://authority".
  HttpConnection(HttpSession* session, std::string origin);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Takes an exchange on; its request is sent at once, or as soon as there is a connection.
  void Serve(std::unique_ptr<HttpConnection> self, HttpExchange* exchange);
  // The exchange is not wanted any more.
  void Abandon();
  void Resume();

  // What to wait for, and until when at the latest (a moment of the monotonic clock; -1: no limit).
  void AppendInterest(std::vector<curl_waitfd>* interest) const;
  size_t interest_count() const;
  int64_t due_ms() const;
  // What has become of what was appended.
  void SetReady(const curl_waitfd* ready, size_t count);

  bool wants_attention() const { return attention_; }
  // Goes on as far as it can.
  void Advance();
  void EndIfStalled();

  // Of an idle connection.

  // Whether it can still be used: false once the server has closed it.
  bool StillOpen();
  int64_t idle_since_ms() const { return last_byte_ms_; }
  // The coldest of its session's to the same origin; destroys this.
  void Discard();

 private:
  enum class State : uint8_t { kConnecting, kSending, kAwaitingHead, kBody, kIdle };
  enum class Step : uint8_t { kGoOn, kWait, kFinished };

  Step Connect();
  void BeginRequest();
  Step Send();
  Step ReceiveHead();
  Step RefuseHead(const Status& why);
  Step PassOverInterim();
  Step ReceiveBody();
  Step ReceiveInto(const Space& space);
  Step DeliverBuffered();
  Step DeliverChunks();
  Step Deliver(std::string_view piece, size_t* delivered);
  Step OnEndOfStream(bool broken);
  Step MoveToFreshConnection();
  Step Complete();
  Step Fail(StatusCode code, const std::string& message);
  Step Finish(const Status& status, bool reusable);

  bool FillBuffer(Step* step);
  std::string_view buffered() const {
    return std::string_view(buffer_.get() + buffer_begin_, buffer_end_ - buffer_begin_);
  }
  void LeaveBusy();
  void BecomeIdle();

  HttpSession* const session_;
  HttpClient* const client_;
  const std::string origin_;
  Channel channel_;
  std::vector<curl_waitfd> ready_;  // while connecting: for the channel

  std::unique_ptr<HttpConnection> self_;  // while busy
  size_t busy_index_ = 0;
  std::list<HttpConnection*>::iterator idle_place_;  // while idle
  HttpExchange* exchange_ = nullptr;
  State state_ = State::kConnecting;
  bool reused_ = false;     // an exchange was served before
  bool paused_ = false;     // the handler takes nothing at the moment
  bool attention_ = false;  // Advance() has something to do
  int64_t last_byte_ms_ = 0;

  std::string_view unsent_;  // of the exchange's request

  std::unique_ptr<char[]> buffer_;  // received and not yet looked at
  size_t buffer_begin_ = 0;
  size_t buffer_end_ = 0;
  BodyFraming framing_;
  uint64_t body_left_ = 0;  // kLength only
  ChunkDecoder chunks_;
  int http_status_ = 0;
  size_t head_scanned_ = 0;  // of what is buffered
  int interim_replies_ = 0;  // of this exchange
};

// A request under way: what the caller holds.
class HttpExchange final : public Exchange {
 public:
  HttpExchange(std::string origin, std::string text, bool is_head, HttpHandler* handler)
      : origin_(std::move(origin)), text_(std::move(text)), is_head_(is_head), handler_(handler) {}
  ~HttpExchange() override;
  void Resume() override;

  // The request as it is sent, and where to.
  const std::string& text() const { return text_; }
  const std::string& origin() const { return origin_; }
  bool is_head() const { return is_head_; }
  HttpHandler* handler() const { return handler_; }

 private:
  friend class HttpConnection;

  const std::string origin_;
  const std::string text_;
  const bool is_head_;
  HttpHandler* const handler_;
  HttpConnection* connection_ = nullptr;  // null once done
};

}  // namespace objectpipes
