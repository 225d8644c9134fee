#include "engine/retry_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace objectpipes {
namespace {

// A store with many reads that retry, by a clock of its own.
class RetryQueueTest : public ::testing::Test {
 protected:
  RetryQueue::Ticket Wait(const std::string& name, int64_t due_ms, int64_t not_before_ms = 0) {
    return queue_.Add({not_before_ms, due_ms, [this, name] { tried_.push_back(name); }}, now_ms_);
  }

  // Lets the time pass until `ms`. `attempt` is called at each attempt, when it was recorded.
  void RunUntil(int64_t ms, const std::function<void()>& attempt = [] {}) {
    for (auto next_ms = queue_.NextMs(); next_ms.has_value() && *next_ms <= ms;
         next_ms = queue_.NextMs()) {
      now_ms_ = std::max(now_ms_, *next_ms);
      const auto try_again = queue_.TakeDue(now_ms_);
      ASSERT_NE(try_again, nullptr) << "nothing is due when it was announced";
      try_again();
      tried_ms_.push_back(now_ms_);
      attempt();
    }
    now_ms_ = ms;
  }

  RetryQueue queue_;
  int64_t now_ms_ = 0;
  std::vector<std::string> tried_;
  std::vector<int64_t> tried_ms_;
};

TEST_F(RetryQueueTest, EachWaitsForItsBackoffWhileOthersSucceed) {
  Wait("late", 3000);
  Wait("early", 500);
  for (int64_t ms = 0; ms <= 4000; ms += 100) {
    RunUntil(ms);
    EXPECT_FALSE(queue_.OnSuccess(ms));
  }
  EXPECT_EQ(tried_, (std::vector<std::string>{"early", "late"}));
  EXPECT_EQ(tried_ms_, (std::vector<int64_t>{500, 3000}));
}

TEST_F(RetryQueueTest, NobodyWaits) {
  EXPECT_FALSE(queue_.NextMs().has_value());
  EXPECT_EQ(queue_.TakeDue(100'000), nullptr);
  queue_.Remove(Wait("gone", 10));
  EXPECT_FALSE(queue_.NextMs().has_value());
}

// One that waits alone, in the longest backoff, notices the end of an outage as soon as any other.
TEST_F(RetryQueueTest, AnOutageIsProbedAtABoundedRate) {
  Wait("a", 60'000);
  RunUntil(10'000, [this] { Wait("a", 60'000); });
  ASSERT_EQ(tried_ms_.size(), 10U);
  EXPECT_EQ(tried_ms_.front(), RetryQueue::kProbeAfterMs);
  for (size_t i = 1; i < tried_ms_.size(); ++i) {
    EXPECT_EQ(tried_ms_[i] - tried_ms_[i - 1], RetryQueue::kProbeMs);
  }
}

TEST_F(RetryQueueTest, AllTakeTurnsAtProbing) {
  for (const char* name : {"a", "b", "c"}) Wait(name, 60'000);
  RunUntil(RetryQueue::kProbeAfterMs + 6 * RetryQueue::kProbeMs,
           [this] { Wait(tried_.back(), 60'000); });
  EXPECT_EQ(tried_, (std::vector<std::string>{"a", "b", "c", "a", "b", "c", "a"}));
}

TEST_F(RetryQueueTest, OtherAttemptsAreProbesToo) {
  Wait("a", 60'000);
  for (int64_t ms = 0; ms <= 5000; ms += RetryQueue::kProbeMs / 2) {
    queue_.OnAttempt(ms);
    RunUntil(ms);
  }
  EXPECT_TRUE(tried_.empty());
}

// As many attempts as without the queue, and one in kProbeMs.
TEST_F(RetryQueueTest, ManyReadsAreNoStormDuringAnOutage) {
  constexpr int kReads = 1000;
  constexpr int64_t kBackoffMs = 5000;
  std::map<std::string, int64_t> due_ms;
  for (int i = 0; i < kReads; ++i) {
    const std::string name = std::to_string(i);
    due_ms[name] = 1000 + i % kBackoffMs;
    Wait(name, due_ms[name]);
  }
  int early = 0;
  RunUntil(20'000, [&] {
    int64_t& due = due_ms[tried_.back()];
    if (now_ms_ < due) {
      ++early;
    } else {
      due = now_ms_ + kBackoffMs;
    }
    Wait(tried_.back(), due);
  });
  EXPECT_LE(early, 27);
  EXPECT_LE(tried_.size(), 4U * kReads + 27);
}

// A store that serves many at a time, each in 10 ms.
TEST_F(RetryQueueTest, SuccessReleasesAllWithinAFewRoundTrips) {
  for (int i = 0; i < 500; ++i) Wait(std::to_string(i), 60'000);
  RunUntil(RetryQueue::kProbeAfterMs);
  ASSERT_EQ(tried_.size(), 1U);
  size_t answered = 0;
  for (int round = 1; round <= 9; ++round) {
    const size_t in_flight = tried_.size() - answered;
    now_ms_ += 10;
    for (size_t i = 0; i < in_flight; ++i) {
      EXPECT_EQ(queue_.OnSuccess(now_ms_), answered++ == 0);
    }
    RunUntil(now_ms_);
    EXPECT_LE(tried_.size() - answered, 2 * in_flight) << "all at once";
  }
  EXPECT_EQ(tried_.size(), 500U);
}

// What fails after the outage tells of itself, not of the outage.
TEST_F(RetryQueueTest, SuccessDoesNotReleaseWhatFailedLater) {
  Wait("before", 60'000);
  now_ms_ = 5000;
  EXPECT_TRUE(queue_.OnSuccess(now_ms_));
  Wait("after", 60'000);
  for (int64_t ms = 5000; ms < 8000; ms += 100) {
    EXPECT_FALSE(queue_.OnSuccess(ms));
    RunUntil(ms);
  }
  EXPECT_EQ(tried_, (std::vector<std::string>{"before"}));
}

TEST_F(RetryQueueTest, TheServersWishIsGranted) {
  Wait("asked", 60'000, 7000);
  RunUntil(6999);
  EXPECT_TRUE(tried_.empty()) << "no probe";
  EXPECT_TRUE(queue_.OnSuccess(6999));
  RunUntil(6999);
  EXPECT_TRUE(tried_.empty()) << "no release";
  RunUntil(7000);
  EXPECT_EQ(tried_, (std::vector<std::string>{"asked"}));
}

TEST_F(RetryQueueTest, TheNextOutageIsAnother) {
  for (const char* name : {"a", "b"}) Wait(name, 60'000);
  EXPECT_TRUE(queue_.OnSuccess(2000));
  RunUntil(2000);
  EXPECT_EQ(tried_.size(), 2U);
  now_ms_ = 100'000;  // after a long rest
  for (const char* name : {"a", "b"}) Wait(name, 160'000);
  RunUntil(now_ms_ + RetryQueue::kOutageMs - 1);
  EXPECT_FALSE(queue_.OnSuccess(now_ms_)) << "that was short";
  Wait("c", 160'000);
  RunUntil(now_ms_ + RetryQueue::kOutageMs);
  EXPECT_EQ(tried_.size(), 2U);
  EXPECT_TRUE(queue_.OnSuccess(now_ms_));
  RunUntil(now_ms_);
  EXPECT_EQ(tried_.size(), 4U);
}

// Its object may be broken, and the store is not down.
TEST_F(RetryQueueTest, OneFailureAmongSuccessesIsNoOutage) {
  Wait("a", 60'000);
  for (int64_t ms = 0; ms < 10'000; ms += 900) {
    RunUntil(ms);
    EXPECT_FALSE(queue_.OnSuccess(ms));
    Wait("b", 60'000);
  }
  EXPECT_TRUE(tried_.empty());
}

}  // namespace
}  // namespace objectpipes
