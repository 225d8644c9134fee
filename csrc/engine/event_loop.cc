#include "engine/event_loop.h"

#include <algorithm>

#ifdef __linux__
#include <pthread.h>
#endif

#include "base/clock.h"

namespace objectpipes {
namespace {

constexpr int64_t kLongestRestMs = 1000;

}  // namespace

EventLoop::EventLoop() : now_ms_(MonotonicMs()), thread_([this] { Run(); }) {}

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
  // One system call for a burst of posts, none while the thread is busy anyway.
  if (resting_.exchange(false)) http_.Wakeup();
}

EventLoop::TimerId EventLoop::After(int64_t delay_ms, std::function<void()> function) {
  const TimerId id{now_ms_ + delay_ms, next_timer_++};
  timers_.emplace(id, std::move(function));
  return id;
}

void EventLoop::Run() {
#ifdef __linux__
  pthread_setname_np(pthread_self(), "objectpipes-io");
#endif
  while (!stop_) {
    {
      const std::lock_guard<std::mutex> lock(turn_);
      RunTurn();
    }
    resting_ = true;
    const int64_t rest_ms = RestMs();  // after resting_ is set: a post from now on wakes us
    const int64_t began_us = MonotonicUs();
    http_.Wait(rest_ms);
    rested_us_ += MonotonicUs() - began_us;
    resting_ = false;
  }
}

int64_t EventLoop::RestMs() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!posted_.empty()) return 0;
  }
  if (timers_.empty()) return kLongestRestMs;
  return std::clamp<int64_t>(timers_.begin()->first.first - MonotonicMs(), 0, kLongestRestMs);
}

void EventLoop::RunTurn() {
  now_ms_ = MonotonicMs();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.swap(posted_);
  }
  for (const auto& function : running_) function();
  running_.clear();

  while (!timers_.empty() && timers_.begin()->first.first <= now_ms_) {
    const auto function = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    function();
  }

  http_.Advance(now_ms_);

  // These may ask for more of their kind.
  for (size_t i = 0; i < at_end_.size(); ++i) {  // NOLINT(modernize-loop-convert): it grows
    const auto function = std::move(at_end_[i]);
    function();
  }
  at_end_.clear();
}

}  // namespace objectpipes
