// One connection to one server: opens it, serves one exchange after the other (HttpTransfer), and
// closes it. Knows when it can be reused, and where in the client's and its group's lists it is.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "net/dialer.h"
#include "transport/http/http_client.h"
#include "transport/http/http_transfer.h"

namespace objectpipes {

class HttpExchange;

class HttpConnection final : private Watcher {
 public:
  // Begins to connect when it is to serve an exchange.
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
  void OnDialed(Result<Dialed> outcome);
  void OnReady(uint8_t events) override;
  void WatchSocket();
  void WaitForBatch(int bytes);
  void Mark();
  void BeginTransfer();
  HttpExchange* Unlink();
  void MoveToFreshConnection();
  void Finish(const Status& status, bool reusable);
  void Uncount();
  void Detach();
  void RemoveFromBusy();
  void BecomeIdle();
  bool idle() const { return stream_ != nullptr && exchange_ == nullptr; }

  ConnectionGroup* const group_;
  HttpSession* const session_;
  HttpClient* const client_;
  std::unique_ptr<Dialer> dialer_;  // while connecting
  std::unique_ptr<ByteStream> stream_;
  SocketHandle socket_ = kNoSocket;  // the stream's
  Watch watch_;                      // destroyed before the stream
  int batch_ = 1;                    // how many bytes the poller waits for
  HttpTransfer transfer_;

  std::unique_ptr<HttpConnection> self_;  // while busy
  bool counted_ = true;                   // in the numbers of live connections
  size_t busy_index_ = 0;
  std::list<HttpConnection*>::iterator idle_place_;  // while idle
  HttpExchange* exchange_ = nullptr;                 // while busy
  bool paused_ = false;                              // the handler takes nothing at the moment
  bool marked_ = false;  // in the client's list of those that have something to do
  int64_t last_byte_ms_ = 0;
};

// A request in flight, which the caller owns.
class HttpExchange final : public Exchange {
 public:
  HttpExchange(std::string text, bool is_head, HttpHandler* handler)
      : text_(std::move(text)), is_head_(is_head), handler_(handler) {}
  ~HttpExchange() override;
  void Resume() override;

  // While it waits for a connection.
  void WaitIn(ConnectionGroup* group, std::list<HttpExchange*>::iterator place) {
    queue_ = group;
    place_ = place;
  }
  void StopWaiting();

 private:
  friend class HttpConnection;

  const std::string text_;
  const bool is_head_;
  HttpHandler* const handler_;
  HttpConnection* connection_ = nullptr;  // null while it waits, and once done
  ConnectionGroup* queue_ = nullptr;      // that it waits in
  std::list<HttpExchange*>::iterator place_;
};

}  // namespace objectpipes
