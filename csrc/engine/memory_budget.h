// How many bytes may be read ahead, per process and per window.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace objectpipes {

// The process as a whole holds no more than its most generous window was given, however many
// windows there are: they share it in equal parts. Any thread.
class MemoryBudget {
 public:
  void Open(uint64_t limit) {
    const std::lock_guard<std::mutex> lock(mutex_);
    limits_.push_back(limit);
  }
  void Close(uint64_t limit) {
    const std::lock_guard<std::mutex> lock(mutex_);
    limits_.erase(std::find(limits_.begin(), limits_.end(), limit));
  }
  // What all windows may hold together; 0 if none is open.
  uint64_t Total() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return TotalLocked();
  }
  // The share of a window that was opened with this limit.
  uint64_t Share(uint64_t limit) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::min(limit, TotalLocked() / limits_.size());
  }

 private:
  uint64_t TotalLocked() const {
    return limits_.empty() ? 0 : *std::max_element(limits_.begin(), limits_.end());
  }

  mutable std::mutex mutex_;
  std::vector<uint64_t> limits_;
};

}  // namespace objectpipes
