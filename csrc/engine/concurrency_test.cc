#include "engine/concurrency.h"

#include <gtest/gtest.h>

namespace objectpipes {
namespace {

constexpr int64_t kMs = 1000;

// As many replies as tell the latency of the path.
void Measure(ConcurrencyLimit* limit, int64_t microseconds, int64_t now_ms) {
  for (int i = 0; i < 16; ++i) limit->OnLatency(microseconds, now_ms);
}

TEST(ConcurrencyLimit, FollowsTheLatencyOfThePath) {
  ConcurrencyLimit limit;
  EXPECT_EQ(limit.Limit(0), 8) << "before anything is known";
  Measure(&limit, 200, 0);
  EXPECT_EQ(limit.Limit(0), 8) << "loopback";
  ConcurrencyLimit far;
  Measure(&far, 20 * kMs, 0);
  EXPECT_EQ(far.Limit(0), 128);
  ConcurrencyLimit near;
  Measure(&near, 2 * kMs, 0);
  EXPECT_EQ(near.Limit(0), 50);
}

// The first ones contain what a server and a network do once: 128 handshakes at once would delay
// the first object further.
TEST(ConcurrencyLimit, DoesNotTrustTheFirstReplies) {
  ConcurrencyLimit limit;
  for (int i = 0; i < 15; ++i) limit.OnLatency(20 * kMs, 0);
  EXPECT_EQ(limit.Limit(0), 8);
  limit.OnLatency(200, 0);
  EXPECT_EQ(limit.Limit(0), 8) << "loopback, after a slow start";
}

// Longer ones contain the queues that we fill ourselves: to follow them would fill the queues
// further.
TEST(ConcurrencyLimit, GoesByTheLeastLatency) {
  ConcurrencyLimit limit;
  Measure(&limit, 2 * kMs, 0);
  Measure(&limit, 90 * kMs, 1);
  EXPECT_EQ(limit.Limit(0), 50);
}

TEST(ConcurrencyLimit, ForgetsALeastLatencyThatIsNoMore) {
  ConcurrencyLimit limit;
  Measure(&limit, 1 * kMs, 0);
  Measure(&limit, 4 * kMs, 5'001);
  EXPECT_EQ(limit.Limit(0), 25) << "one quiet second does not change a path";
  Measure(&limit, 4 * kMs, 10'002);
  EXPECT_EQ(limit.Limit(0), 100);
}

TEST(ConcurrencyLimit, TakesTheUsersNumberAsItIs) {
  ConcurrencyLimit limit;
  Measure(&limit, 20 * kMs, 0);
  EXPECT_EQ(limit.Limit(3), 3);
  EXPECT_EQ(limit.Limit(1000), 1000);
}

TEST(ConcurrencyLimit, IsHalvedByThrottlingOnceForOneBurst) {
  ConcurrencyLimit limit;
  limit.OnThrottled(1000);
  limit.OnThrottled(1001);
  limit.OnThrottled(1499);
  EXPECT_EQ(limit.Limit(100), 50);
  limit.OnThrottled(1500);
  EXPECT_EQ(limit.Limit(100), 25);
}

TEST(ConcurrencyLimit, NeverStopsAltogether) {
  ConcurrencyLimit limit;
  for (int64_t now_ms = 0; now_ms < 100'000; now_ms += 1000) limit.OnThrottled(now_ms);
  EXPECT_EQ(limit.Limit(0), 1);
  EXPECT_EQ(limit.Limit(4), 1);
}

TEST(ConcurrencyLimit, IsRegainedStepByStep) {
  ConcurrencyLimit limit;
  limit.OnThrottled(0);
  limit.OnSuccess();
  EXPECT_EQ(limit.Limit(100), 51);
  for (int i = 0; i < 1000; ++i) limit.OnSuccess();
  EXPECT_EQ(limit.Limit(100), 100);
}

}  // namespace
}  // namespace objectpipes
