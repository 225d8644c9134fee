// The poller and the timers of one thread, which drive all network code.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <utility>

#include "net/system.h"

namespace objectpipes {

class Reactor;

// Calls a function once, at or after a time of the monotonic clock.
class Timer {
 public:
  Timer(Reactor* reactor, std::function<void()> function)
      : reactor_(reactor), function_(std::move(function)) {}
  ~Timer() { Cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void Set(int64_t at_ms);  // replaces an earlier time
  void Cancel();

 private:
  friend class Reactor;

  Reactor* const reactor_;
  const std::function<void()> function_;
  int64_t at_ms_ = -1;
};

class Reactor {
 public:
  // Waits for a socket, a timer or Wakeup(), at most this long. Calls no function.
  void Wait(int64_t max_ms);
  // Calls the watchers of ready sockets, and the functions of timers that are due.
  void Dispatch(int64_t now_ms);
  // Any thread.
  void Wakeup() { poller_.Wakeup(); }

  Poller* poller() { return &poller_; }

 private:
  friend class Timer;

  Poller poller_;
  std::set<std::pair<int64_t, Timer*>> timers_;
};

}  // namespace objectpipes
