// Results on their way from the I/O thread to the consumer: in the order of the requests, or as
// they arrive.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/read_result.h"

namespace objectpipes {

class ResultQueue {
 public:
  explicit ResultQueue(bool ordered) : ordered_(ordered) {}

  // The consumer's side: one thread at a time.

  // Adds places for `count` results; returns the sequence number of the first.
  uint64_t Expect(size_t count);
  // From now until the next result is taken, the consumer counts as waiting.
  void Await();
  // Appends up to `max_count` results, and waits up to `max_wait_ms` for the first.
  // If it appends more than one, they have at most `max_bytes` together. False if none came.
  bool Take(size_t max_count, uint64_t max_bytes, int64_t max_wait_ms,
            std::vector<ReadResult>* results);
  void Close();
  size_t outstanding() const;  // expected and not taken

  // The I/O thread's side.

  // True if the consumer waits for this result: then call Notify().
  bool Put(ReadResult result);
  void Notify() { arrived_.notify_one(); }
  // Whether there is no result that could be taken before this one.
  bool IsNext(uint64_t sequence) const;
  // Since when the consumer has waited, on the monotonic clock.
  std::optional<int64_t> waiting_since_ms() const;

 private:
  bool HasNext() const;  // mutex_ held

  const bool ordered_;
  std::atomic<uint64_t> next_{0};              // the next to be taken, if ordered
  std::atomic<int64_t> waiting_since_ms_{-1};  // -1: the consumer does not wait

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  // If ordered, one place per request from next_ on; otherwise the results that have arrived.
  std::deque<std::optional<ReadResult>> results_;
  uint64_t expected_ = 0;
  uint64_t taken_ = 0;
  bool in_wait_ = false;
  bool closed_ = false;
};

}  // namespace objectpipes
