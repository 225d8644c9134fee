// A server on 127.0.0.1 that says, byte for byte, what a test tells it to.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace objectpipes {

class LoopbackServer {
 public:
  // One connection, which is closed when its function returns.
  class Peer {
   public:
    Peer(LoopbackServer* server, int socket) : server_(server), socket_(socket) {}

    // The next request, head and body; empty once the client has gone.
    std::string ReadRequest();
    // False once the client has gone.
    bool Send(std::string_view bytes);
    // Waits until the client has gone.
    void AwaitEnd();
    // Ends the connection with a reset instead of an end of stream.
    void Reset();

   private:
    bool Receive();

    LoopbackServer* const server_;
    const int socket_;
    std::string unread_;
  };

  // `serve` runs on a thread of its own for each connection.
  explicit LoopbackServer(std::function<void(Peer*)> serve);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::string url(std::string_view path) const;
  int connections() const { return connections_; }  // accepted so far
  std::vector<std::string> requests() const;        // read so far

 private:
  struct Connection {
    int socket;  // -1 once closed
    std::thread thread;
  };

  void Accept();

  const std::function<void(Peer*)> serve_;
  int port_ = 0;
  int listener_;
  std::atomic<bool> closing_{false};
  std::atomic<int> connections_{0};
  mutable std::mutex mutex_;  // guards what follows
  std::deque<Connection> accepted_;
  std::vector<std::string> requests_;
  std::thread acceptor_;
};

// A port of 127.0.0.1 on which nobody listens.
int UnusedPort();

// "HTTP/1.1 200 OK" with this body and, each with its line end, these further fields.
std::string Reply(std::string_view body, std::string_view fields = "");

}  // namespace objectpipes
