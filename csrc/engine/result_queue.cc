#include "engine/result_queue.h"

#include <chrono>
#include <utility>

#include "base/clock.h"

namespace objectpipes {

uint64_t ResultQueue::Expect(size_t count) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t first = expected_;
  expected_ += count;
  if (ordered_) results_.resize(results_.size() + count);
  return first;
}

bool ResultQueue::HasNext() const { return !results_.empty() && results_.front().has_value(); }

void ResultQueue::Await() {
  if (waiting_since_ms_ < 0) waiting_since_ms_ = MonotonicMs();
}

bool ResultQueue::Take(size_t max_count, uint64_t max_bytes, int64_t max_wait_ms,
                       std::vector<ReadResult>* results) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!HasNext() && max_wait_ms > 0) {
    in_wait_ = true;
    arrived_.wait_for(lock, std::chrono::milliseconds(max_wait_ms), [this] { return HasNext(); });
    in_wait_ = false;
  }
  if (!HasNext()) return false;
  waiting_since_ms_ = -1;
  uint64_t bytes = 0;
  while (max_count-- > 0 && HasNext()) {
    const uint64_t more = results_.front()->room.bytes();
    if (bytes > 0 && bytes + more > max_bytes) break;
    bytes += more;
    results->push_back(*std::move(results_.front()));
    results_.pop_front();
    ++taken_;
  }
  next_ = taken_;
  return true;
}

void ResultQueue::Close() {
  std::deque<std::optional<ReadResult>> dropped;  // destroyed without the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  waiting_since_ms_ = -1;
  dropped.swap(results_);
}

size_t ResultQueue::outstanding() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<size_t>(expected_ - taken_);
}

bool ResultQueue::Put(ReadResult result) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return false;
  if (ordered_) {
    results_[static_cast<size_t>(result.sequence - taken_)] = std::move(result);
  } else {
    results_.emplace_back(std::move(result));
  }
  return in_wait_ && HasNext();
}

bool ResultQueue::IsNext(uint64_t sequence) const {
  if (ordered_) return sequence == next_;
  const std::lock_guard<std::mutex> lock(mutex_);
  return results_.empty();
}

std::optional<int64_t> ResultQueue::waiting_since_ms() const {
  const int64_t since_ms = waiting_since_ms_;
  if (since_ms < 0) return std::nullopt;
  return since_ms;
}

}  // namespace objectpipes
