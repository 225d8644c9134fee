// One configured store within the engine: what all reads and listings of it share on the I/O
// thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/buffer.h"
#include "engine/concurrency.h"
#include "engine/event_loop.h"
#include "engine/retry.h"
#include "transport/credentials.h"
#include "transport/transport.h"

namespace objectpipes {

// Counters of a process, for people: what was read, and what went wrong on the way.
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
};

class Client {
 public:
  Client(EventLoop* event_loop, std::shared_ptr<BufferPool> buffer_pool, Stats* counters,
         std::unique_ptr<Transport> store, std::shared_ptr<CredentialStore> store_credentials,
         RetryPolicy policy, bool may_split)
      : loop(event_loop),
        pool(std::move(buffer_pool)),
        stats(counters),
        transport(std::move(store)),
        credentials(std::move(store_credentials)),
        retry_policy(policy),
        split(may_split) {}

  EventLoop* const loop;
  const std::shared_ptr<BufferPool> pool;
  Stats* const stats;
  const std::unique_ptr<Transport> transport;
  const std::shared_ptr<CredentialStore> credentials;
  const RetryPolicy retry_policy;
  const bool split;  // a large object may be read over several connections

  // I/O thread only.
  RetryBudget retry_budget;
  Backoff backoff;
  ConcurrencyLimit concurrency;
};

}  // namespace objectpipes
