#include "engine/retry.h"

#include <algorithm>

namespace objectpipes {

void RetryBudget::OnSuccess() { tokens_ = std::min(kCapacity, tokens_ + kEarnedBySuccess); }

bool RetryBudget::Take() {
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

int64_t Backoff::DelayMs(const RetryPolicy& policy, int failures, bool throttled,
                         bool within_budget) {
  const int64_t base = throttled ? policy.throttled_base_ms : policy.base_ms;
  const int doublings = std::min(failures, 20);
  const int64_t ceiling =
      within_budget ? std::min(policy.cap_ms, base << doublings) : policy.cap_ms;
  return std::uniform_int_distribution<int64_t>(0, ceiling)(random_);
}

}  // namespace objectpipes
