#include "engine/event_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "testing/signal.h"

namespace objectpipes {
namespace {

// Runs it on the loop's thread and waits until it has.
void OnLoop(EventLoop* loop, const std::function<void()>& function) {
  Signal done;
  loop->Post([&] {
    function();
    done.Set();
  });
  ASSERT_TRUE(done.Wait());
}

TEST(EventLoop, RunsPostsInTheirOrderOnOneThread) {
  EventLoop loop;
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  for (int i = 0; i < 100; ++i) {
    loop.Post([&, i] {
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    });
  }
  OnLoop(&loop, [] {});
  ASSERT_EQ(order.size(), 100U);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(order[static_cast<size_t>(i)], i);
    EXPECT_EQ(threads[static_cast<size_t>(i)], threads[0]);
  }
  EXPECT_NE(threads[0], std::this_thread::get_id());
}

TEST(EventLoop, RunsAPostMadeByAPost) {
  EventLoop loop;
  Signal done;
  loop.Post([&] { loop.Post([&] { done.Set(); }); });
  EXPECT_TRUE(done.Wait());
}

TEST(EventLoop, LosesNoPostOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 2000;
  EventLoop loop;
  std::vector<std::vector<int>> seen(kThreads);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&loop, &mine = seen[t]] {
      for (int i = 0; i < kPosts; ++i) loop.Post([&mine, i] { mine.push_back(i); });
    });
  }
  for (std::thread& thread : threads) thread.join();
  OnLoop(&loop, [] {});
  for (const std::vector<int>& mine : seen) {
    ASSERT_EQ(mine.size(), static_cast<size_t>(kPosts));
    for (int i = 0; i < kPosts; ++i) ASSERT_EQ(mine[static_cast<size_t>(i)], i);
  }
}

// A post that comes while the thread goes to rest must wake it; if it did not, each would cost up
// to a second.
TEST(EventLoop, IsWokenFromItsRest) {
  EventLoop loop;
  const int64_t began_ms = MonotonicMs();
  for (int i = 0; i < 500; ++i) OnLoop(&loop, [] {});
  EXPECT_LT(MonotonicMs() - began_ms, 10'000);
}

TEST(EventLoop, RunsTimersWhenTheyAreDueAndInThatOrder) {
  EventLoop loop;
  std::string order;
  Signal done;
  int64_t began_ms = 0;
  int64_t ended_ms = 0;
  OnLoop(&loop, [&] {
    began_ms = loop.now_ms();
    loop.PostAfter(30, [&] {
      order += 'd';
      ended_ms = loop.now_ms();
      done.Set();
    });
    loop.PostAfter(10, [&] { order += 'b'; });
    loop.PostAfter(10, [&] { order += 'c'; });
    loop.PostAfter(0, [&] { order += 'a'; });
  });
  ASSERT_TRUE(done.Wait());
  EXPECT_EQ(order, "abcd");
  EXPECT_GE(ended_ms - began_ms, 30);
}

TEST(EventLoop, ForgetsACancelledTimer) {
  EventLoop loop;
  bool ran = false;
  Signal later;
  std::optional<EventLoop::Timer> first;
  std::optional<EventLoop::Timer> second;
  OnLoop(&loop, [&] {
    EventLoop::Timer destroyed(&loop);
    destroyed.Set(1, [&] { ran = true; });
    first.emplace(&loop).Set(1, [&] { ran = true; });
    second.emplace(&loop).Set(2, [&] { ran = true; });
    loop.PostAfter(0, [&] { second->Cancel(); });
    loop.PostAfter(5, [&] { later.Set(); });
    first->Cancel();
    first->Cancel();  // once more does no harm
  });
  ASSERT_TRUE(later.Wait());
  EXPECT_FALSE(ran);
  OnLoop(&loop, [&] {
    first.reset();
    second.reset();
  });
}

TEST(EventLoop, ATimerMayPlanAndCancelOthers) {
  EventLoop loop;
  int runs = 0;
  Signal done;
  std::function<void()> again = [&] {
    if (++runs == 5) return done.Set();
    loop.PostAfter(1, again);
  };
  OnLoop(&loop, [&] { loop.PostAfter(0, again); });
  ASSERT_TRUE(done.Wait());
  EXPECT_EQ(runs, 5);
}

TEST(EventLoop, RunsNothingAfterStop) {
  auto owned = std::make_shared<int>(0);
  {
    EventLoop loop;
    OnLoop(&loop, [] {});
    loop.Stop();
    loop.Stop();  // once more does no harm
    loop.Post([owned] { ADD_FAILURE() << "ran after Stop()"; });
  }
  EXPECT_EQ(owned.use_count(), 1) << "what was never run is freed with the loop";
}

// fork() takes this lock to be sure that the thread is inside no library.
TEST(EventLoop, DoesNothingWhileItsTurnIsHeld) {
  EventLoop loop;
  OnLoop(&loop, [] {});
  std::atomic<bool> ran{false};
  {
    const std::lock_guard<std::mutex> lock(loop.turn());
    loop.Post([&] { ran = true; });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_FALSE(ran);
  }
  OnLoop(&loop, [] {});
  EXPECT_TRUE(ran);
}

TEST(RunningClock, StandsStillWhileTheProcessIsStopped) {
  RunningClock clock(1'000);
  clock.AdvanceTo(1'040, 50);
  EXPECT_EQ(clock.now_ms(), 1'040);
  clock.AdvanceTo(61'040, 50);  // a minute of SIGSTOP
  EXPECT_EQ(clock.now_ms(), 1'040 + 50 + RunningClock::kMaxWorkMs);
  clock.AdvanceTo(61'070, 50);
  EXPECT_EQ(clock.now_ms(), 1'070 + 50 + RunningClock::kMaxWorkMs);
  clock.AdvanceTo(60'000, 50);  // never back
  EXPECT_EQ(clock.now_ms(), 1'070 + 50 + RunningClock::kMaxWorkMs);
}

TEST(RunningClock, AWaitThatWasMeantCounts) {
  RunningClock clock(0);
  clock.AdvanceTo(1'000, 1'000);
  EXPECT_EQ(clock.now_ms(), 1'000);
}

struct DiesOn {
  explicit DiesOn(std::thread::id* thread_of_death) : thread(thread_of_death) {}
  ~DiesOn() { *thread = std::this_thread::get_id(); }
  std::thread::id* const thread;
};

TEST(DeferredDelete, DiesOnTheLoopsThread) {
  EventLoop loop;
  std::thread::id died_on;
  std::thread::id loop_thread;
  std::shared_ptr<DiesOn>(new DiesOn(&died_on), DeferredDelete(&loop)).reset();
  OnLoop(&loop, [&] { loop_thread = std::this_thread::get_id(); });
  OnLoop(&loop, [] {});  // the turn after
  EXPECT_EQ(died_on, loop_thread);
}

TEST(DeferredDelete, DiesWithALoopThatRunsNoMore) {
  std::thread::id died_on;
  {
    EventLoop loop;
    const std::shared_ptr<DiesOn> owned(new DiesOn(&died_on), DeferredDelete(&loop));
    loop.Stop();
  }
  EXPECT_EQ(died_on, std::this_thread::get_id());
}

}  // namespace
}  // namespace objectpipes
