#include "engine/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace objectpipes {
namespace {

struct Span {
  int64_t least = 1'000'000;
  int64_t most = -1;
};

// Of many delays after this many failures.
Span Delays(int failures, bool throttled, bool within_budget) {
  const RetryPolicy policy;  // 50 ms, 200 ms when throttled, at most 10 s
  Backoff backoff;
  Span span;
  for (int i = 0; i < 2000; ++i) {
    const int64_t delay = backoff.DelayMs(policy, failures, throttled, within_budget);
    span.least = std::min(span.least, delay);
    span.most = std::max(span.most, delay);
  }
  return span;
}

// Full jitter: anything from nothing to the ceiling, so that those who failed together do not come
// back together.
void ExpectSpread(const Span& span, int64_t ceiling) {
  EXPECT_GE(span.least, 0);
  EXPECT_LT(span.least, ceiling / 10);
  EXPECT_LE(span.most, ceiling);
  EXPECT_GT(span.most, ceiling * 9 / 10);
}

TEST(Backoff, DoublesWithEveryFailureUpToTheCap) {
  ExpectSpread(Delays(1, false, true), 100);
  ExpectSpread(Delays(2, false, true), 200);
  ExpectSpread(Delays(5, false, true), 1600);
  ExpectSpread(Delays(8, false, true), 10'000);
  ExpectSpread(Delays(1'000'000, false, true), 10'000);
}

TEST(Backoff, WaitsLongerWhenThrottled) {
  ExpectSpread(Delays(1, true, true), 400);
  ExpectSpread(Delays(1'000'000, true, true), 10'000);
}

TEST(Backoff, WaitsUpToTheCapWithoutBudget) { ExpectSpread(Delays(1, false, false), 10'000); }

TEST(RetryBudget, IsSpentByRetriesAndEarnedBySuccesses) {
  RetryBudget budget;
  int taken = 0;
  while (taken < 10'000 && budget.Take()) ++taken;
  EXPECT_EQ(taken, 500);
  EXPECT_FALSE(budget.Take());

  for (int i = 0; i < 10; ++i) budget.OnSuccess();
  EXPECT_TRUE(budget.Take());
  EXPECT_FALSE(budget.Take() && budget.Take()) << "ten successes buy two retries";
}

TEST(RetryBudget, HasAnEnd) {
  RetryBudget budget;
  budget.Refill();
  for (int i = 0; i < 10'000; ++i) budget.OnSuccess();
  int taken = 0;
  while (taken < 10'000 && budget.Take()) ++taken;
  EXPECT_EQ(taken, 500);
}

}  // namespace
}  // namespace objectpipes
