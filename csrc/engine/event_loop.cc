#include "engine/event_loop.h"

#include <algorithm>

#include "net/system.h"

namespace objectpipes {
namespace {

constexpr int64_t kMaxWaitMs = 1000;

}  // namespace

EventLoop::EventLoop() : thread_([this] { Run(); }) {}

// Functions that never ran may own what posts others, or has timers.
EventLoop::~EventLoop() {
  Stop();
  for (; !posted_.empty(); running_.clear()) running_.swap(posted_);
}

void EventLoop::Stop() {
  if (!stop_) stopper_ = std::this_thread::get_id();
  stop_ = true;
  http_.Wakeup();
  if (thread_.joinable()) thread_.join();
}

void EventLoop::Post(std::function<void()> function) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    posted_.push_back(std::move(function));
  }
  // One system call for several posts, and none while the thread is busy.
  if (idle_.exchange(false)) http_.Wakeup();
}

EventLoop::TimerId EventLoop::AddTimer(int64_t delay_ms, std::function<void()> function) {
  const TimerId id{now_ms() + delay_ms, next_timer_++};
  timers_.emplace(id, std::move(function));
  return id;
}

void EventLoop::Timer::Set(int64_t delay_ms, std::function<void()> function) {
  Cancel();
  id_ = loop_->AddTimer(delay_ms, [this, function = std::move(function)] {
    id_.reset();
    function();
  });
}

void EventLoop::Timer::Cancel() {
  if (id_.has_value()) loop_->timers_.erase(*id_);
  id_.reset();
}

void EventLoop::Run() {
  NameThread("objectpipes-io");
  int64_t waited_ms = 0;  // the longest wait, unless the process was stopped
  while (!stop_) {
    {
      const std::lock_guard<std::mutex> lock(turn_);
      RunTurn(waited_ms);
    }
    idle_ = true;
    const int64_t max_wait_ms = MaxWaitMs();  // after idle_ is set: a post from now on wakes us
    const int64_t began_us = MonotonicUs();
    waited_ms = http_.Wait(max_wait_ms);
    idle_us_ += MonotonicUs() - began_us;
    idle_ = false;
  }
}

int64_t EventLoop::MaxWaitMs() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!posted_.empty()) return 0;
  }
  if (timers_.empty()) return kMaxWaitMs;
  return std::clamp<int64_t>(timers_.begin()->first.first - now_ms(), 0, kMaxWaitMs);
}

void EventLoop::RunTurn(int64_t waited_ms) {
  clock_.Advance(waited_ms);
  http_.BeginTurn(now_ms());
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.swap(posted_);
  }
  for (const auto& function : running_) function();
  running_.clear();

  // Before the timers: a connection whose bytes have arrived is not late.
  http_.Advance(MonotonicMs());

  while (!timers_.empty() && timers_.begin()->first.first <= now_ms()) {
    const auto function = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    function();
  }
}

}  // namespace objectpipes
