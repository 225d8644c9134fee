// One thread says that something has happened, another waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace objectpipes {

// On a machine that does ten other things.
inline constexpr auto kForEver = std::chrono::seconds(30);

class Signal {
 public:
  void Set() {
    const std::lock_guard<std::mutex> lock(mutex_);
    set_ = true;
    changed_.notify_all();  // under the lock: who waits may destroy this
  }

  // As if it had not happened.
  void Clear() {
    const std::lock_guard<std::mutex> lock(mutex_);
    set_ = false;
  }

  // False if it has not happened for so long that it never will.
  bool Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kForEver, [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

}  // namespace objectpipes
