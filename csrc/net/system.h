// Sockets, and waiting for many of them: what differs between operating systems is in system.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/address.h"

namespace objectpipes {

#ifdef _WIN32
using SocketHandle = uintptr_t;
#else
using SocketHandle = int;
#endif
inline constexpr SocketHandle kNoSocket = static_cast<SocketHandle>(-1);

// What Receive() and Send() return if they moved no byte.
inline constexpr int64_t kNotNow = 0;   // wait until the socket is ready
inline constexpr int64_t kEnded = -1;   // the peer sends no more
inline constexpr int64_t kBroken = -2;  // reset, or any other failure

// A TCP socket: non-blocking, closed on exec, without Nagle's delay, with keep-alive.
class Socket {
 public:
  Socket() = default;
  ~Socket() { Close(); }
  Socket(Socket&& other) noexcept : handle_(std::exchange(other.handle_, kNoSocket)) {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      Close();
      handle_ = std::exchange(other.handle_, kNoSocket);
    }
    return *this;
  }

  // Begins to connect. Returns the system's error code; 0 if connecting or connected.
  int Connect(const SocketAddress& address);
  // Once the socket is writable: the system's error code of connecting; 0 if connected.
  int ConnectError() const;
  void Close();

  int64_t Receive(char* target, size_t size) const;
  int64_t Send(const char* bytes, size_t size) const;
  // Like Receive() of one byte, but does not remove it.
  int64_t Peek() const;

  bool is_open() const { return handle_ != kNoSocket; }
  SocketHandle handle() const { return handle_; }

 private:
  SocketHandle handle_ = kNoSocket;
};

// Has pollers report data only from so many bytes on, or the end; fewer where the sender would be
// held up. Returns from how many: where the system cannot do that, 1.
int SetLowWater(SocketHandle handle, int bytes);

// In words: "Connection refused".
std::string SystemErrorText(int code);
// Whether the code says that the process, or the system, has no descriptor left.
bool IsOutOfDescriptors(int code);

// Names the calling thread, where the system can do that. At most 15 characters.
void NameThread(const char* name);

struct Descriptors {
  size_t limit;  // how many the process may have
  size_t open;   // how many it has
};
Descriptors CountDescriptors();

// Waits for a socket.
class Watcher {
 public:
  static constexpr uint8_t kRead = 1;
  static constexpr uint8_t kWrite = 2;
  // `events`: what the socket is ready for; after an error, both. The watcher may destroy itself.
  virtual void OnReady(uint8_t events) = 0;

 protected:
  ~Watcher() = default;
};

class Poller;

// The registration of one socket with a poller. Destroy it before closing the socket.
class Watch {
 public:
  Watch(Poller* poller, Watcher* watcher) : poller_(poller), watcher_(watcher) {}
  ~Watch() { Stop(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // From now on waits for these events of this socket; with 0, for none.
  void Set(SocketHandle socket, uint8_t events);
  void Stop() { Set(socket_, 0); }

 private:
  friend class Poller;

  Poller* const poller_;
  Watcher* const watcher_;
  SocketHandle socket_ = kNoSocket;
  uint8_t events_ = 0;
  uint8_t ready_ = 0;
  [[maybe_unused]] size_t place_ = 0;  // of a poller that has a list
};

class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Waits until a socket is ready or Wakeup() is called, at most this long. Calls no watcher.
  void Wait(int64_t max_ms);
  // Calls the watchers of the sockets that Wait() found ready.
  void Dispatch();
  // Makes Wait() return, now or the next time. Any thread.
  void Wakeup();

 private:
  friend class Watch;
  struct System;

  void Change(Watch* watch, SocketHandle socket, uint8_t events);

  const std::unique_ptr<System> system_;
  std::vector<Watch*> ready_;  // null: stopped meanwhile
};

}  // namespace objectpipes
