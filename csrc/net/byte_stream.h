// A connection for sending and receiving bytes: plain TCP, or TLS over another stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/status.h"
#include "net/system.h"

namespace objectpipes {

class ByteStream {
 public:
  virtual ~ByteStream() = default;

  // The number of bytes moved, or kNotNow, kEnded, kBroken. kNotNow: wait until the socket is ready
  // for reading (Receive) or writing (Send), or as wants_write() says.
  virtual int64_t Receive(char* target, size_t size) = 0;
  virtual int64_t Send(const char* bytes, size_t size) = 0;
  // Whether Receive() waits until the socket can be written to.
  virtual bool wants_write() const { return false; }
  // Whether nothing, not even the end, has arrived since the last exchange. Asks the socket.
  virtual bool IsQuiet() = 0;
  // Why the stream is broken; OK if only that it was reset is known.
  virtual Status failure() const { return Status::Ok(); }
};

class TcpStream final : public ByteStream {
 public:
  explicit TcpStream(Socket socket) : socket_(std::move(socket)) {}

  int64_t Receive(char* target, size_t size) override {
    // A short read has emptied the socket, so another call now would be in vain. The poller tells
    // when there is more, including the end.
    if (std::exchange(drained_, false)) return kNotNow;
    const int64_t received = socket_.Receive(target, size);
    drained_ = received > 0 && static_cast<size_t>(received) < size;
    return received;
  }
  int64_t Send(const char* bytes, size_t size) override {
    drained_ = false;  // an answer may follow
    return socket_.Send(bytes, size);
  }
  bool IsQuiet() override {
    drained_ = false;  // by now there may be more
    return socket_.Peek() == kNotNow;
  }

 private:
  Socket socket_;
  bool drained_ = false;
};

}  // namespace objectpipes
