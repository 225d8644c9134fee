// The clocks: the monotonic one in milliseconds, one that counts only while the process runs (for
// time limits), and the wall clock in seconds (for signatures and the end of credentials).
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace objectpipes {

template <typename Clock, typename Unit = std::chrono::milliseconds>
int64_t TimeBy() {
  return std::chrono::duration_cast<Unit>(Clock::now().time_since_epoch()).count();
}

inline int64_t MonotonicMs() { return TimeBy<std::chrono::steady_clock>(); }
inline int64_t MonotonicUs() {
  return TimeBy<std::chrono::steady_clock, std::chrono::microseconds>();
}
inline int64_t WallMs() { return TimeBy<std::chrono::system_clock>(); }
inline int64_t WallSeconds() { return TimeBy<std::chrono::system_clock, std::chrono::seconds>(); }

// The time of a thread that works in turns and waits between them. While the process is stopped (by
// a debugger, SIGSTOP or a frozen container), no server is late. So a turn counts at most as long
// as the thread meant to wait, and a little for its work. One thread advances the clock, any thread
// reads it.
class RunningClock {
 public:
  int64_t now_ms() const { return now_ms_.load(std::memory_order_relaxed); }

  // A turn begins, after a wait of at most `wait_ms` as planned.
  void Advance(int64_t wait_ms) { AdvanceTo(MonotonicMs(), wait_ms); }
  void AdvanceTo(int64_t monotonic_ms, int64_t wait_ms) {
    const int64_t passed_ms = monotonic_ms - seen_ms_;
    seen_ms_ = monotonic_ms;
    now_ms_.store(now_ms() + std::clamp<int64_t>(passed_ms, 0, wait_ms + kMaxWorkMs),
                  std::memory_order_relaxed);
  }

  explicit RunningClock(int64_t monotonic_ms = MonotonicMs())
      : seen_ms_(monotonic_ms), now_ms_(monotonic_ms) {}

  static constexpr int64_t kMaxWorkMs = 100;

 private:
  int64_t seen_ms_;  // of the monotonic clock
  std::atomic<int64_t> now_ms_;
};

}  // namespace objectpipes
