// How many requests to have in flight.
#pragma once

#include <cstdint>

namespace objectpipes {

// By Little's law: enough requests to keep the I/O thread busy during one round trip, which is a
// handful on loopback and a hundred over 20 ms. The limit is halved when the server throttles, and
// then grows again step by step. I/O thread only.
class ConcurrencyLimit {
 public:
  // From request to first byte, over an open connection.
  void OnLatency(int64_t microseconds, int64_t now_ms);
  void OnSuccess();
  void OnThrottled(int64_t now_ms);

  // `fixed` is the user's own number; 0: adaptive.
  int Limit(int fixed) const;

 private:
  int Target() const;

  static constexpr int kMin = 8;
  static constexpr int kMax = 128;
  // The first replies are late for other reasons, too: handshakes of other connections, cold
  // caches.
  static constexpr int kMinReplies = 2 * kMin;
  static constexpr int64_t kCostOfRequestUs = 40;    // CPU time of the I/O thread at 4 KiB
  static constexpr int64_t kLatencyWindowMs = 5000;  // an older minimum is forgotten
  static constexpr int64_t kThrottleWindowMs = 500;  // at most one halving in this time

  int replies_ = 0;             // no more than kMinReplies are counted
  int64_t min_latency_us_ = 0;  // of this window; 0: none yet
  int64_t last_window_us_ = 0;  // of the window before
  int64_t window_began_ms_ = 0;
  double share_ = 1.0;  // of the limit; throttling lowers it
  int64_t throttled_ms_ = -kThrottleWindowMs;
};

}  // namespace objectpipes
