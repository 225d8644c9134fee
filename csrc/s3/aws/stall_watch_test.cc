#include "s3/aws/stall_watch.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

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
  int64_t progress() const override { return moved; }
  void OnStall() override {
    ++stalls;
    if (on_stall) on_stall();
  }

  int64_t moved = 0;
  int stalls = 0;
  std::function<void()> on_stall;
};

constexpr int64_t kLimitMs = 10'000;

class StallWatchTest : public testing::Test {
 protected:
  // The watch looks every 50 ms; `before` is called before each look.
  void Pass(int64_t ms, const std::function<void()>& before = {}) {
    for (const int64_t end_ms = now_ms_ + ms; now_ms_ < end_ms;) {
      now_ms_ += 50;
      if (before) before();
      timer_.Expire();
    }
  }

  ManualTimer timer_;
  int64_t now_ms_ = 1'000'000;
  std::shared_ptr<StallWatch> watch_ =
      std::make_shared<StallWatch>(&timer_, kLimitMs, [this] { return now_ms_; });
};

TEST_F(StallWatchTest, EndsWhatHasNotMovedForTooLong) {
  FakeExchange lively, silent;
  silent.on_stall = [&] { watch_->Remove(&silent); };
  watch_->Add(&lively);
  watch_->Add(&silent);
  const auto move = [&] { ++lively.moved; };
  Pass(kLimitMs - 100, move);
  EXPECT_EQ(silent.stalls, 0);
  Pass(300, move);
  EXPECT_EQ(silent.stalls, 1);
  Pass(kLimitMs, move);
  EXPECT_EQ(lively.stalls, 0);
  EXPECT_EQ(silent.stalls, 1);
  watch_->Remove(&lively);
}

TEST_F(StallWatchTest, DoesNotCountTimeInWhichTheProcessIsStopped) {
  FakeExchange exchange;
  exchange.on_stall = [&] { watch_->Remove(&exchange); };
  watch_->Add(&exchange);
  Pass(1'000);
  now_ms_ += 10 * kLimitMs;
  Pass(kLimitMs / 2);
  EXPECT_EQ(exchange.stalls, 0);
  Pass(kLimitMs);
  EXPECT_EQ(exchange.stalls, 1) << "what follows counts";
}

TEST_F(StallWatchTest, CountsNothingBeforeTheExchange) {
  now_ms_ += 10 * kLimitMs;  // with nothing to watch
  FakeExchange exchange;
  watch_->Add(&exchange);
  Pass(kLimitMs - 100);
  EXPECT_EQ(exchange.stalls, 0);
  watch_->Remove(&exchange);
}

TEST_F(StallWatchTest, LeavesAloneWhatWaitsForItsReader) {
  FakeExchange paused;
  paused.moved = -1;
  watch_->Add(&paused);
  Pass(2 * kLimitMs);
  EXPECT_EQ(paused.stalls, 0);
  watch_->Remove(&paused);
}

TEST_F(StallWatchTest, LetsAStalledOneRemoveOthers) {
  FakeExchange exchanges[3];
  for (FakeExchange& exchange : exchanges) {
    exchange.on_stall = [&] {
      for (FakeExchange& any : exchanges) watch_->Remove(&any);
    };
    watch_->Add(&exchange);
  }
  Pass(kLimitMs + 300);
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
