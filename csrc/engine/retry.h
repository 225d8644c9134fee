// When to try again: exponential backoff with full jitter, a limit of failures in a row, and a
// budget that keeps a thousand workers from turning one bad minute of a server into a bad hour.
#pragma once

#include <cstdint>
#include <random>

namespace objectpipes {

struct RetryPolicy {
  int max_attempts = 10;  // exchanges in a row without progress
  int64_t base_ms = 50;   // of the backoff: uniform in [0, base * 2^failures], at most cap
  int64_t throttled_base_ms = 200;  // when the server says that it is too much
  int64_t cap_ms = 10'000;
  int64_t first_contact_ms = 9'000;  // for all attempts, while nothing has ever answered
};

// A token bucket shared by everything that reads from one store. A retry costs a token; every
// success earns a part of one back. An empty bucket does not fail anybody: it makes retries wait as
// long as the policy allows.
class RetryBudget {
 public:
  void OnSuccess();
  // True if a retry may be made after its ordinary backoff.
  bool Take();

 private:
  static constexpr double kCapacity = 500;
  static constexpr double kEarnedBySuccess = 0.2;
  double tokens_ = kCapacity;
};

class Backoff {
 public:
  Backoff() : random_(std::random_device{}()) {}

  // Milliseconds to wait after this many failures in a row (1 or more).
  int64_t DelayMs(const RetryPolicy& policy, int failures, bool throttled, bool within_budget);

 private:
  std::minstd_rand random_;
};

}  // namespace objectpipes
