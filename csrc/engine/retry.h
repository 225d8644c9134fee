// What RetryLoop decides by: exponential backoff with full jitter, a limit on failures in a row,
// and a budget, which keeps a thousand workers from overloading a server that recovers.
#pragma once

#include <cstdint>
#include <random>

namespace objectpipes {

struct RetryPolicy {
  int max_attempts = 10;  // exchanges in a row without progress
  int64_t base_ms = 50;   // of the backoff: uniform in [0, base * 2^failures], at most cap
  int64_t throttled_base_ms = 200;  // when the server throttles
  int64_t cap_ms = 10'000;
  int64_t first_contact_ms = 9'000;  // for all attempts, while the endpoint has never answered
};

// A token bucket that all reads from one store share. A retry costs a token, and each success
// returns a part of one. An empty bucket fails no request: retries then wait as long as the policy
// allows.
class RetryBudget {
 public:
  void OnSuccess();
  void Refill() { tokens_ = kCapacity; }
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
