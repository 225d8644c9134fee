// The I/O thread: posted functions, timers and the network, in turns.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "transport/http/http_client.h"
#include "transport/transport.h"

namespace objectpipes {

class EventLoop final : public Executor {
 public:
  // Starts the thread.
  EventLoop();
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void Post(std::function<void()> function) override;
  void PostAfter(int64_t delay_ms, std::function<void()> function) override {
    AddTimer(delay_ms, std::move(function));
  }

  // Ends the thread after the current turn. Functions that have not run yet never run. Do not call
  // it on that thread.
  void Stop();
  bool stopped() const { return stop_; }
  bool stopped_by_another_thread() const { return stop_ && stopper_ != std::this_thread::get_id(); }

  // The thread holds it while it works, and releases it while it waits. Another thread that holds
  // it knows that the I/O thread is not inside c-ares, OpenSSL or the allocator. fork() takes it.
  std::mutex& turn() { return turn_; }

  // When this turn began, by a clock that stands still while the process is stopped. All time
  // limits use it. Any thread.
  int64_t now_ms() const { return clock_.now_ms(); }

  // The rest is for the I/O thread.
  class Timer;
  // How long the thread has been idle so far.
  int64_t idle_us() const { return idle_us_; }
  HttpClient& http() { return http_; }

 private:
  using TimerId = std::pair<int64_t, uint64_t>;

  TimerId AddTimer(int64_t delay_ms, std::function<void()> function);
  void Run();
  void RunTurn(int64_t waited_ms);
  int64_t MaxWaitMs();

  HttpClient http_;
  RunningClock clock_;
  std::mutex turn_;

  std::mutex mutex_;                           // guards posted_
  std::vector<std::function<void()>> posted_;  //
  std::atomic<bool> idle_{false};
  std::atomic<bool> stop_{false};
  std::thread::id stopper_;  // set before stop_

  std::vector<std::function<void()>> running_;       // posted functions of this turn
  std::map<TimerId, std::function<void()>> timers_;  // by due time
  uint64_t next_timer_ = 0;
  int64_t idle_us_ = 0;

  std::thread thread_;  // last: starts when everything above exists
};

// Calls a function once after a while, unless it is cancelled or destroyed before. I/O thread only.
class EventLoop::Timer {
 public:
  explicit Timer(EventLoop* loop) : loop_(loop) {}
  ~Timer() { Cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces an earlier call that has not come yet. The function may destroy the timer.
  void Set(int64_t delay_ms, std::function<void()> function);
  void Cancel();
  bool is_set() const { return id_.has_value(); }

 private:
  EventLoop* const loop_;
  std::optional<TimerId> id_;
};

// The deleter of a shared object that owns what only the I/O thread may touch (exchanges, timers).
// Any thread may drop the last reference. The object is then destroyed on the I/O thread, and not
// inside a handler.
class DeferredDelete {
 public:
  explicit DeferredDelete(EventLoop* loop) : loop_(loop) {}
  template <typename T>
  void operator()(T* object) const {
    loop_->Post([owned = std::shared_ptr<T>(object)] {});
  }

 private:
  EventLoop* loop_;
};

}  // namespace objectpipes
