#include "net/reactor.h"

#include <algorithm>

#include "base/clock.h"

namespace objectpipes {

void Timer::Set(int64_t at_ms) {
  Cancel();
  at_ms_ = std::max<int64_t>(at_ms, 0);
  reactor_->timers_.emplace(at_ms_, this);
}

void Timer::Cancel() {
  if (at_ms_ < 0) return;
  reactor_->timers_.erase({at_ms_, this});
  at_ms_ = -1;
}

void Reactor::Wait(int64_t max_ms) {
  if (!timers_.empty() && max_ms > 0) {
    max_ms = std::clamp<int64_t>(timers_.begin()->first - MonotonicMs(), 0, max_ms);
  }
  poller_.Wait(max_ms);
}

void Reactor::Dispatch(int64_t now_ms) {
  poller_.Dispatch();
  while (!timers_.empty() && timers_.begin()->first <= now_ms) {
    Timer* const timer = timers_.begin()->second;
    timer->Cancel();
    // A copy: the function may destroy its timer.
    const std::function<void()> function = timer->function_;
    function();
  }
}

}  // namespace objectpipes
