// One configured store within the engine: what all of its reads and listings share on the I/O
// thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/buffer.h"
#include "engine/concurrency.h"
#include "engine/event_loop.h"
#include "engine/retry.h"
#include "engine/retry_queue.h"
#include "transport/credentials.h"
#include "transport/transport.h"

namespace objectpipes {

// Counters of a process, for users.
struct Stats {
  std::atomic<uint64_t> objects{0};
  std::atomic<uint64_t> bytes{0};
  std::atomic<uint64_t> requests{0};  // sent, by the transports
  std::atomic<uint64_t> retries{0};
  std::atomic<uint64_t> throttled{0};
  std::atomic<uint64_t> timeouts{0};
  std::atomic<uint64_t> verified{0};            // objects whose checksum was compared
  std::atomic<uint64_t> integrity_failures{0};  // bodies that did not match and were read again
  std::atomic<uint64_t> restarts{0};            // objects replaced while being read
  std::atomic<uint64_t> in_flight{0};           // ranges of objects being fetched now
};

// Adds one to a counter as long as this lives.
class CountedNow {
 public:
  explicit CountedNow(std::atomic<uint64_t>* counter) : counter_(counter) {
    counter_->fetch_add(1, std::memory_order_relaxed);
  }
  ~CountedNow() { counter_->fetch_sub(1, std::memory_order_relaxed); }
  CountedNow(const CountedNow&) = delete;
  CountedNow& operator=(const CountedNow&) = delete;

 private:
  std::atomic<uint64_t>* const counter_;
};

// Whether an endpoint has ever answered this process. Until it has, it is more likely wrong than
// busy.
struct FirstContact {
  std::string endpoint;  // "host:port"
  std::atomic<bool> answered{false};
};

class Client {
 public:
  Client(EventLoop* event_loop, std::shared_ptr<BufferPool> buffer_pool, Stats* counters,
         std::unique_ptr<Transport> store, std::shared_ptr<CredentialStore> store_credentials,
         RetryPolicy policy, bool may_split,
         std::shared_ptr<FirstContact> first_contact = std::make_shared<FirstContact>())
      : loop(event_loop),
        pool(std::move(buffer_pool)),
        stats(counters),
        transport(std::move(store)),
        credentials(std::move(store_credentials)),
        retry_policy(policy),
        split(may_split),
        contact(std::move(first_contact)),
        retry_timer_(event_loop),
        limits_seen_ms_(event_loop->now_ms()) {}

  EventLoop* const loop;
  const std::shared_ptr<BufferPool> pool;
  Stats* const stats;
  const std::unique_ptr<Transport> transport;
  const std::shared_ptr<CredentialStore> credentials;
  const RetryPolicy retry_policy;
  const bool split;  // a large object may be read over several connections
  const std::shared_ptr<FirstContact> contact;

  // The time for the limits of reads and listings. It stands still while reads wait for
  // credentials: only the consumer's thread can obtain those, so that time is not the server's. Any
  // thread.
  int64_t now_ms();

  // An attempt begins; its reply arrives; an attempt waits for its retry. I/O thread.
  void Attempting() { retries_.OnAttempt(loop->now_ms()); }
  void Succeeding();
  RetryQueue::Ticket WaitToRetry(RetryQueue::Retry retry);
  void CancelRetry(RetryQueue::Ticket ticket);

  // Reports that requests have been failing for long: warns once until one succeeds. I/O thread.
  void WarnOfRetries(int64_t lasted_ms, const std::string& why);
  // A warning for the user; empty: none. Each is returned once. Any thread.
  std::string TakeWarning();

  // I/O thread only.
  RetryBudget retry_budget;
  Backoff backoff;
  ConcurrencyLimit concurrency;

 private:
  void PlanRetries();

  // I/O thread only.
  RetryQueue retries_;
  EventLoop::Timer retry_timer_;
  bool warned_ = false;

  std::mutex mutex_;  // guards what follows
  std::string warning_;
  int64_t limits_seen_ms_;  // the last call of now_ms(), by the loop's clock
  int64_t awaited_ms_ = 0;  // the time spent waiting for credentials so far
  bool awaiting_ = false;   // at that time
};

}  // namespace objectpipes
