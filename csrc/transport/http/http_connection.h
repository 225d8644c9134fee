// One connection to one server, and the exchange that it serves.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "net/dialer.h"
#include "transport/http/http_client.h"

namespace objectpipes {

class HttpExchange;

class HttpConnection final : private Watcher {
 public:
  // Begins to connect.
  explicit HttpConnection(ConnectionGroup* group);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Serves an exchange: sends its request at once, or when the connection is open.
  void Serve(std::unique_ptr<HttpConnection> self, HttpExchange* exchange);
  // The exchange is cancelled.
  void Abandon();
  void Resume();

  // Advances as far as possible.
  void Advance();
  void EndIfStalled();
  const ConnectionGroup& group() const { return *group_; }

  // Of an idle connection.

  // Whether it can be reused: nothing has arrived since the last reply, not even the end.
  bool IsQuiet() { return stream_->IsQuiet(); }
  int64_t idle_since_ms() const { return last_byte_ms_; }
  // Destroys this.
  void Discard();

 private:
  enum class State : uint8_t { kConnecting, kSending, kAwaitingHead, kBody, kIdle };
  enum class Step : uint8_t { kGoOn, kWait, kFinished };

  void OnDialed(Result<Dialed> outcome);
  void OnReady(uint8_t events) override;
  void WatchSocket();
  void WaitForBatch(int bytes);
  void Mark();
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
  void Uncount();
  void Detach();
  void RemoveFromBusy();
  void BecomeIdle();

  ConnectionGroup* const group_;
  HttpSession* const session_;
  HttpClient* const client_;
  std::unique_ptr<Dialer> dialer_;  // while connecting
  std::unique_ptr<ByteStream> stream_;
  SocketHandle socket_ = kNoSocket;  // the stream's
  Watch watch_;                      // destroyed before the stream
  int batch_ = 1;                    // how many bytes the poller waits for

  std::unique_ptr<HttpConnection> self_;  // while busy
  bool counted_ = true;                   // in the numbers of live connections
  size_t busy_index_ = 0;
  std::list<HttpConnection*>::iterator idle_place_;  // while idle
  HttpExchange* exchange_ = nullptr;
  State state_ = State::kConnecting;
  bool reused_ = false;  // an exchange was served before
  bool paused_ = false;  // the handler takes nothing at the moment
  bool marked_ = false;  // in the client's list of those that have something to do
  int64_t last_byte_ms_ = 0;

  std::string_view unsent_;  // of the exchange's request

  std::unique_ptr<char[]> buffer_;  // received and not yet parsed
  size_t buffer_begin_ = 0;
  size_t buffer_end_ = 0;
  BodyFraming framing_;
  uint64_t body_left_ = 0;  // kLength only
  ChunkDecoder chunks_;
  int http_status_ = 0;
  size_t head_scanned_ = 0;  // how much of the buffer
  int interim_replies_ = 0;  // of this exchange
};

// A request in flight, which the caller owns.
class HttpExchange final : public Exchange {
 public:
  HttpExchange(std::string origin, std::string text, bool is_head, HttpHandler* handler)
      : origin_(std::move(origin)), text_(std::move(text)), is_head_(is_head), handler_(handler) {}
  ~HttpExchange() override;
  void Resume() override;

  // While it waits for a connection.
  void WaitIn(ConnectionGroup* group, std::list<HttpExchange*>::iterator place) {
    queue_ = group;
    place_ = place;
  }
  void StopWaiting();

  // The text of the request, and its origin.
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
  HttpConnection* connection_ = nullptr;  // null while it waits, and once done
  ConnectionGroup* queue_ = nullptr;      // that it waits in
  std::list<HttpExchange*>::iterator place_;
};

}  // namespace objectpipes
