#include "engine/memory_budget.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "testing/loop_test.h"

namespace objectpipes {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// Waits for room, or has some that nobody uses.
class Holder final : public MemoryHolder {
 public:
  void OnRoom() override { ++told; }
  std::optional<int64_t> IdleSinceMs() const override {
    return room.bytes() > 0 ? idle_since_ms : std::nullopt;
  }
  void GiveBack() override { room.Shrink(0); }

  Reservation room;
  std::optional<int64_t> idle_since_ms;
  int told = 0;
};

class MemoryBudgetTest : public LoopTest {
 protected:
  ~MemoryBudgetTest() override {
    OnLoop([this] {
      for (const auto& holder : holders_) budget_->Remove(holder.get());
    });
  }
  Holder* NewHolder() {
    holders_.push_back(std::make_unique<Holder>());
    return holders_.back().get();
  }
  bool Reserve(MemoryAccount* account, uint64_t bytes, Holder* holder, bool awaited = false,
               int64_t waited_ms = 0) {
    bool room = false;
    OnLoop([&] {
      const auto since_ms = std::optional<int64_t>(loop_.now_ms() - waited_ms);
      room = account->Reserve(bytes, awaited ? since_ms : std::nullopt, holder, &holder->room);
    });
    return room;
  }
  void Shrink(Holder* holder, uint64_t bytes) {
    holder->room.Shrink(bytes);
    for (int turn = 0; turn < 3; ++turn) OnLoop([] {});
  }

  std::shared_ptr<MemoryBudget> budget_ =
      std::make_shared<MemoryBudget>(&loop_, std::make_shared<BufferPool>(0));
  std::vector<std::unique_ptr<Holder>> holders_;
};

TEST_F(MemoryBudgetTest, IsThatOfTheLargestWindowHoweverManyThereAre) {
  const auto large = budget_->Open(256);
  {
    const auto small = budget_->Open(64);
    EXPECT_EQ(budget_->total(), 256U);
  }
  large->Close();
  EXPECT_EQ(budget_->total(), 256U) << "streams of a closed window may still be read";
}

TEST_F(MemoryBudgetTest, WindowsShareItEqually) {
  const auto first = budget_->Open(256);
  const auto second = budget_->Open(256);
  Holder* const holder = NewHolder();
  EXPECT_TRUE(Reserve(first.get(), 100, holder));
  EXPECT_FALSE(Reserve(first.get(), 129, holder));
  EXPECT_TRUE(Reserve(first.get(), 128, holder));
  second->Close();
  EXPECT_TRUE(Reserve(first.get(), 256, holder));
}

TEST_F(MemoryBudgetTest, OneObjectMayBeLargerThanAShare) {
  const auto first = budget_->Open(256);
  const auto second = budget_->Open(256);
  EXPECT_TRUE(Reserve(first.get(), 200, NewHolder()));
  EXPECT_FALSE(Reserve(first.get(), 10, NewHolder()));
  EXPECT_FALSE(Reserve(second.get(), 57, NewHolder())) << "all in all there is no more than 256";
  EXPECT_TRUE(Reserve(second.get(), 56, NewHolder()));
}

TEST_F(MemoryBudgetTest, AReservationEndsWithItsOwner) {
  const auto account = budget_->Open(256);
  {
    Holder holder;
    EXPECT_TRUE(Reserve(account.get(), 256, &holder));
    EXPECT_EQ(budget_->used(), 256U);
    Reservation moved = std::move(holder.room);
    EXPECT_EQ(budget_->used(), 256U);
  }
  EXPECT_EQ(budget_->used(), 0U);
}

TEST_F(MemoryBudgetTest, WhoWaitsIsToldOfRoomOnce) {
  const auto account = budget_->Open(100);
  Holder* const first = NewHolder();
  Holder* const second = NewHolder();
  Holder* const third = NewHolder();
  EXPECT_TRUE(Reserve(account.get(), 100, first));
  EXPECT_FALSE(Reserve(account.get(), 10, second));
  EXPECT_FALSE(Reserve(account.get(), 10, third));
  OnLoop([&] { budget_->Remove(third); });
  Shrink(first, 50);
  EXPECT_EQ(second->told, 1);
  EXPECT_EQ(third->told, 0);
  Shrink(first, 0);
  EXPECT_EQ(second->told, 1) << "it has not asked again";
}

TEST_F(MemoryBudgetTest, WhatIsAwaitedGoesOverItByOneObject) {
  const auto account = budget_->Open(100 * kMiB);
  const auto other = budget_->Open(100 * kMiB);
  EXPECT_TRUE(Reserve(account.get(), 100 * kMiB, NewHolder(), true));
  EXPECT_FALSE(Reserve(other.get(), 60 * kMiB, NewHolder()));
  EXPECT_TRUE(Reserve(other.get(), 60 * kMiB, NewHolder(), true));
  EXPECT_FALSE(Reserve(other.get(), 60 * kMiB, NewHolder(), true)) << "one more is too much";
  EXPECT_FALSE(Reserve(other.get(), 60 * kMiB, NewHolder(), true, 5000));
  EXPECT_TRUE(Reserve(other.get(), 60 * kMiB, NewHolder(), true, 11'000))
      << "but it does not wait for who may never come back";
}

// Many consumers may wait at once, each for an object that arrives slowly.
TEST_F(MemoryBudgetTest, AwaitedObjectsTogetherGoOverItByLittle) {
  const auto account = budget_->Open(32 * kMiB);
  int admitted = 0;
  for (int i = 0; i < 24; ++i)
    admitted += Reserve(account.get(), 7 * kMiB, NewHolder(), true, 5000);
  EXPECT_LE(budget_->used(), 64 * kMiB);
  EXPECT_EQ(admitted, 9);
}

TEST_F(MemoryBudgetTest, SmallThingsThatAreAwaitedDoNotWaitForLargeOnes) {
  const auto account = budget_->Open(100 * kMiB);
  EXPECT_TRUE(Reserve(account.get(), 100 * kMiB, NewHolder(), true));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Reserve(account.get(), 5 * kMiB, NewHolder(), true));
}

TEST_F(MemoryBudgetTest, ATinyBudgetDoesNotMakeWhatIsAwaitedWait) {
  const auto account = budget_->Open(1);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Reserve(account.get(), kMiB, NewHolder(), true));
}

TEST_F(MemoryBudgetTest, WhatIsIdleIsGivenBackBeforeItIsExceeded) {
  const auto account = budget_->Open(100);
  std::vector<Holder*> idle;
  for (int64_t age = 0; age < 4; ++age) {
    idle.push_back(NewHolder());
    EXPECT_TRUE(Reserve(account.get(), 25, idle.back()));
    OnLoop([&] {
      idle.back()->idle_since_ms = loop_.now_ms() - 100 * age;
      budget_->Add(idle.back());
    });
  }
  Holder* const waiting = NewHolder();
  EXPECT_FALSE(Reserve(account.get(), 30, waiting, true)) << "not yet: not inside of a handler";
  for (int turn = 0; turn < 3; ++turn) OnLoop([] {});
  EXPECT_EQ(waiting->told, 1);
  EXPECT_TRUE(Reserve(account.get(), 30, waiting, true));
  EXPECT_EQ(budget_->used(), 80U);
  EXPECT_EQ(idle[3]->room.bytes() + idle[2]->room.bytes(), 0U) << "what was idle longest";
  EXPECT_EQ(idle[1]->room.bytes() + idle[0]->room.bytes(), 50U);
}

TEST_F(MemoryBudgetTest, ReadingAheadTakesOnlyWhatHasBeenIdleForLong) {
  const auto account = budget_->Open(100);
  Holder* const idle = NewHolder();
  EXPECT_TRUE(Reserve(account.get(), 100, idle));
  OnLoop([&] {
    idle->idle_since_ms = loop_.now_ms();
    budget_->Add(idle);
  });
  Holder* const ahead = NewHolder();
  EXPECT_FALSE(Reserve(account.get(), 10, ahead));
  for (int turn = 0; turn < 3; ++turn) OnLoop([] {});
  EXPECT_EQ(idle->room.bytes(), 100U);
  OnLoop([&] { *idle->idle_since_ms -= 5000; });
  EXPECT_FALSE(Reserve(account.get(), 10, ahead));
  for (int turn = 0; turn < 3; ++turn) OnLoop([] {});
  EXPECT_TRUE(Reserve(account.get(), 10, ahead));
  EXPECT_EQ(idle->room.bytes(), 0U);
}

}  // namespace
}  // namespace objectpipes
