// How many requests to have under way at once.
#pragma once

#include <cstdint>

namespace objectpipes {

// By Little's law: enough requests to keep the I/O thread busy through one round trip, which is a
// handful on loopback and a hundred over 20 ms. Halved when the server asks to slow down, and
// regained step by step. Used on the I/O thread only.
class ConcurrencyLimit {
 public:
  void OnLatency(int64_t microseconds, int64_t now_ms);  // from request to first byte
  void OnSuccess();
  void OnThrottled(int64_t now_ms);

  // `fixed` is the user's own number; 0: adaptive.
  int Limit(int fixed) const;

 private:
  int Target() const;

  static constexpr int kMin = 8;
  static constexpr int kMax = 128;
  static constexpr int64_t kCostOfRequestUs = 40;  // CPU time of the I/O thread, measured at 4 KiB
  static constexpr int64_t kLatencyWindowMs = 5000;  // a minimum older than this is forgotten
  static constexpr int64_t kThrottleWindowMs = 500;  // at most one halving in this time

  int64_t least_latency_us_ = 0;  // of this window; 0: none yet
  int64_t last_window_us_ = 0;    // of the window before
  int64_t window_began_ms_ = 0;
  double share_ = 1.0;  // of the target, lowered by throttling
  int64_t throttled_ms_ = -kThrottleWindowMs;
};

}  // namespace objectpipes
