#include "s3/aws/stall_watch.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace objectpipes {
namespace {

// Time passes when the test says so.
class ManualTimer final : public Executor {
 public:
  void Post(std::function<void()> function) override { due_.push_back(std::move(function)); }
  void PostAfter(int64_t, std::function<void()> function) override { Post(std::move(function)); }

  // How many were due.
  int Expire() {
    const std::vector<std::function<void()>> due = std::exchange(due_, {});
    for (const auto& function : due) function();
    return static_cast<int>(due.size());
  }

 private:
  std::vector<std::function<void()>> due_;
};

struct FakeExchange final : StallWatch::Handler {
  int64_t moved_ms() const override { return moved; }
  void OnStall() override {
    ++stalls;
    if (on_stall) on_stall();
  }

  int64_t moved = MonotonicMs();
  int stalls = 0;
  std::function<void()> on_stall;
};

constexpr int64_t kLimitMs = 10'000;

class StallWatchTest : public testing::Test {
 protected:
  static int64_t TooLongAgo() { return MonotonicMs() - kLimitMs - 1; }

  ManualTimer timer_;
  std::shared_ptr<StallWatch> watch_ = std::make_shared<StallWatch>(&timer_, kLimitMs);
};

TEST_F(StallWatchTest, EndsWhatHasNotMovedForTooLong) {
  FakeExchange lively, silent;
  silent.moved = TooLongAgo();
  silent.on_stall = [&] { watch_->Remove(&silent); };
  watch_->Add(&lively);
  watch_->Add(&silent);
  timer_.Expire();
  timer_.Expire();
  EXPECT_EQ(lively.stalls, 0);
  EXPECT_EQ(silent.stalls, 1);
  watch_->Remove(&lively);
}

TEST_F(StallWatchTest, LeavesAloneWhatWaitsForItsReader) {
  FakeExchange paused;
  paused.moved = -1;
  watch_->Add(&paused);
  timer_.Expire();
  EXPECT_EQ(paused.stalls, 0);
  watch_->Remove(&paused);
}

TEST_F(StallWatchTest, LetsAStalledOneRemoveOthers) {
  FakeExchange exchanges[3];
  for (FakeExchange& exchange : exchanges) {
    exchange.moved = TooLongAgo();
    exchange.on_stall = [&] {
      for (FakeExchange& any : exchanges) watch_->Remove(&any);
    };
    watch_->Add(&exchange);
  }
  timer_.Expire();
  EXPECT_EQ(exchanges[0].stalls + exchanges[1].stalls + exchanges[2].stalls, 1);
}

TEST_F(StallWatchTest, RestsWhenThereIsNothingToWatch) {
  FakeExchange exchange;
  watch_->Add(&exchange);
  watch_->Remove(&exchange);
  EXPECT_EQ(timer_.Expire(), 1);
  EXPECT_EQ(timer_.Expire(), 0);
}

TEST_F(StallWatchTest, MayGoWhileATimerIsSet) {
  FakeExchange exchange;
  watch_->Add(&exchange);
  watch_.reset();
  EXPECT_EQ(timer_.Expire(), 1);
}

}  // namespace
}  // namespace objectpipes
