#include "engine/concurrency.h"

#include <algorithm>

namespace objectpipes {

void ConcurrencyLimit::OnLatency(int64_t microseconds, int64_t now_ms) {
  if (now_ms - window_began_ms_ > kLatencyWindowMs) {
    last_window_us_ = min_latency_us_;
    min_latency_us_ = 0;
    window_began_ms_ = now_ms;
  }
  replies_ = std::min(replies_ + 1, kMinReplies);
  // The minimum is the latency of the path. Higher ones include queues that we fill ourselves.
  if (min_latency_us_ == 0 || microseconds < min_latency_us_) min_latency_us_ = microseconds;
}

void ConcurrencyLimit::OnSuccess() {
  if (share_ < 1.0) share_ = std::min(1.0, share_ + 0.01);
}

void ConcurrencyLimit::OnThrottled(int64_t now_ms) {
  if (now_ms - throttled_ms_ < kThrottleWindowMs) return;
  throttled_ms_ = now_ms;
  share_ = std::max(share_ / 2, 1.0 / kMax);
}

int ConcurrencyLimit::Target() const {
  if (replies_ < kMinReplies) return kMin;
  int64_t latency = min_latency_us_;
  if (latency == 0 || (last_window_us_ != 0 && last_window_us_ < latency))
    latency = last_window_us_;
  return static_cast<int>(std::clamp<int64_t>(latency / kCostOfRequestUs, kMin, kMax));
}

int ConcurrencyLimit::Limit(int fixed) const {
  const int target = fixed > 0 ? fixed : Target();
  return std::max(1, static_cast<int>(target * share_));
}

}  // namespace objectpipes
