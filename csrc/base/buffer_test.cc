#include "base/buffer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace objectpipes {
namespace {

constexpr size_t kKiB = size_t{1} << 10;
constexpr size_t kMiB = size_t{1} << 20;

TEST(BufferPool, GivesWritableMemoryOfEverySize) {
  const auto pool = std::make_shared<BufferPool>(kMiB);
  for (const size_t size : {size_t{0}, size_t{1}, 64 * kKiB - 1, 64 * kKiB, 64 * kKiB + 1, kMiB,
                            5 * kMiB / 4, 16 * kMiB, 16 * kMiB + 1}) {
    Buffer buffer = pool->Allocate(size);
    ASSERT_TRUE(buffer.valid()) << size;
    EXPECT_EQ(buffer.size(), size);
    EXPECT_GE(buffer.capacity(), size);
    std::memset(buffer.data(), 0x5a, buffer.capacity());
  }
}

TEST(BufferPool, WastesAtMostAQuarter) {
  const auto pool = std::make_shared<BufferPool>(0);
  for (size_t size = 64 * kKiB; size <= 16 * kMiB; size += size / 7 + 1) {
    EXPECT_LE(pool->Allocate(size).capacity(), size + size / 4) << size;
  }
}

TEST(BufferPool, HandsOutWhatCameBack) {
  const auto pool = std::make_shared<BufferPool>(4 * kMiB);
  const char* first = nullptr;
  {
    const Buffer buffer = pool->Allocate(kMiB);
    first = buffer.data();
  }
  EXPECT_EQ(pool->Allocate(kMiB - 1000).data(), first);
}

// Whether a block of this size that is given back is what the next of its size gets: the system
// gives cleared memory, perhaps at the same address.
bool Keeps(const std::shared_ptr<BufferPool>& pool, size_t size) {
  std::memcpy(pool->Allocate(size).data(), "mark", 4);
  return std::memcmp(pool->Allocate(size).data(), "mark", 4) == 0;
}

// Memory of a test, which notes when it comes back.
class Lender final : public BufferOwner {
 public:
  Buffer Lend(size_t capacity) {
    memory_.push_back(std::make_unique<char[]>(capacity));
    return Buffer(memory_.back().get(), 0, capacity, {std::shared_ptr<void>(), this});
  }
  const std::vector<char*>& back() const { return back_; }

 private:
  void Release(char* data, size_t /*capacity*/) override { back_.push_back(data); }

  std::vector<std::unique_ptr<char[]>> memory_;
  std::vector<char*> back_;
};

TEST(BufferPool, KeepsNoMoreThanItMay) {
  Lender lender;
  const auto pool = std::make_shared<BufferPool>(kMiB);
  EXPECT_TRUE(Keeps(pool, kMiB));
  pool->Offer(lender.Lend(2 * kMiB));
  EXPECT_EQ(lender.back().size(), 1U);
  pool->SetBudget(64 * kMiB);
  EXPECT_TRUE(Keeps(pool, 64 * kMiB));
  pool->Offer(lender.Lend(80 * kMiB));
  EXPECT_EQ(lender.back().size(), 2U);
}

TEST(BufferPool, KeepsLessTheMoreIsUsed) {
  Lender lender;
  const auto pool = std::make_shared<BufferPool>(8 * kMiB);
  std::vector<Buffer> used;
  for (int i = 0; i < 4; ++i) used.push_back(pool->Allocate(kMiB));
  pool->Offer(lender.Lend(5 * kMiB));
  EXPECT_EQ(lender.back().size(), 1U);
  pool->Offer(lender.Lend(4 * kMiB));
  EXPECT_EQ(lender.back().size(), 1U);
  used.push_back(pool->Allocate(kMiB));
  EXPECT_EQ(lender.back().size(), 2U) << "one more is used: there is no room for it any more";
}

TEST(BufferPool, KeepsAQuarterWhateverIsUsed) {
  Lender lender;
  const auto pool = std::make_shared<BufferPool>(8 * kMiB);
  std::vector<Buffer> used;
  for (int i = 0; i < 40; ++i) used.push_back(pool->Allocate(kMiB));
  pool->Offer(lender.Lend(3 * kMiB));
  EXPECT_EQ(lender.back().size(), 1U);
  pool->Offer(lender.Lend(2 * kMiB));
  EXPECT_EQ(lender.back().size(), 1U);
  used.clear();
  EXPECT_TRUE(Keeps(pool, 6 * kMiB));
}

TEST(BufferPool, GivesUpSizesThatNobodyAsksForAnyMore) {
  Lender lender;
  const auto pool = std::make_shared<BufferPool>(4 * kMiB);
  EXPECT_TRUE(Keeps(pool, 3 * kMiB));
  EXPECT_TRUE(Keeps(pool, 2 * kMiB));
  EXPECT_TRUE(Keeps(pool, kMiB)) << "there is room for that beside the last one";
  EXPECT_TRUE(Keeps(pool, 2 * kMiB)) << "which is still there";
  pool->Offer(lender.Lend(4 * kMiB));
  EXPECT_TRUE(lender.back().empty());
}

TEST(BufferPool, FreesWhatALowerLimitForbids) {
  const auto pool = std::make_shared<BufferPool>(0);
  pool->SetBudget(8 * kMiB);
  EXPECT_TRUE(Keeps(pool, 4 * kMiB));
  std::memcpy(pool->Allocate(4 * kMiB).data(), "mark", 4);
  pool->SetBudget(0);
  EXPECT_NE(std::memcmp(pool->Allocate(4 * kMiB).data(), "mark", 4), 0);
}

TEST(BufferPool, KeepsLittleBesideWhatIsUsed) {
  const auto pool = std::make_shared<BufferPool>(0);
  pool->SetBudget(1024 * kMiB);
  std::vector<Buffer> used;
  for (int i = 0; i < 16; ++i) used.push_back(pool->Allocate(64 * kMiB));  // nobody touches it
  EXPECT_FALSE(Keeps(pool, 64 * kMiB));
  EXPECT_TRUE(Keeps(pool, 16 * kMiB));
}

TEST(BufferPool, LendsWhatItIsOffered) {
  Lender lender;
  const auto pool = std::make_shared<BufferPool>(kMiB);
  Buffer block = lender.Lend(BufferPool::CapacityFor(100 * kKiB));
  char* const data = block.data();
  pool->Offer(std::move(block));
  EXPECT_NE(pool->Allocate(200 * kKiB).data(), data) << "that is another size";
  {
    const Buffer lent = pool->Allocate(100 * kKiB);
    EXPECT_EQ(lent.data(), data);
    EXPECT_EQ(lent.size(), 100 * kKiB);
    EXPECT_EQ(lent.owner(), &lender);
    EXPECT_NE(pool->Allocate(100 * kKiB).data(), data);
    EXPECT_TRUE(lender.back().empty());
  }
  EXPECT_EQ(lender.back(), std::vector<char*>{data});
}

TEST(BufferPool, PrefersWhatItIsOfferedToItsOwn) {
  Lender lender;
  const auto pool = std::make_shared<BufferPool>(kMiB);
  EXPECT_TRUE(Keeps(pool, kMiB));
  pool->Offer(lender.Lend(kMiB));
  EXPECT_EQ(pool->Allocate(kMiB).owner(), &lender);
}

TEST(BufferPool, GivesBackWhatItHasNoRoomFor) {
  Lender lender;
  const auto pool = std::make_shared<BufferPool>(kMiB);
  pool->Offer(lender.Lend(kMiB));
  pool->Offer(lender.Lend(kMiB));
  EXPECT_EQ(lender.back().size(), 1U);
  pool->Offer(lender.Lend(2 * kMiB));
  EXPECT_EQ(lender.back().size(), 2U);
}

TEST(BufferPool, ABlockThatLeavesDoesNotComeBack) {
  Lender lender;
  const auto pool = std::make_shared<BufferPool>(kMiB);
  pool->Offer(lender.Lend(kMiB));
  Buffer lent = pool->Allocate(kMiB);
  EXPECT_NE(lent.Release(), nullptr);
  EXPECT_FALSE(lent.valid());
  lent = Buffer();
  EXPECT_TRUE(lender.back().empty());
}

TEST(BufferPool, FailsWhereThereIsNoMemory) {
  const auto pool = std::make_shared<BufferPool>(kMiB);
  EXPECT_FALSE(pool->Allocate(SIZE_MAX / 4).valid());
}

TEST(BufferPool, OutlivesItsOwnerAsLongAsBuffersDo) {
  auto pool = std::make_shared<BufferPool>(kMiB);
  Buffer buffer = pool->Allocate(128 * kKiB);
  const std::weak_ptr<BufferPool> weak = pool;
  pool.reset();
  EXPECT_FALSE(weak.expired());
  buffer = Buffer();
  EXPECT_TRUE(weak.expired());
}

TEST(BufferPool, ServesManyThreads) {
  const auto pool = std::make_shared<BufferPool>(kMiB);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&pool, t] {
      for (size_t i = 0; i < 200; ++i) {
        Buffer buffer = pool->Allocate((64 + i % 3 * 64) * kKiB);
        std::memset(buffer.data(), t, 64);
        EXPECT_EQ(buffer.data()[63], t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Buffer, IsEmptyAfterItWasMovedFrom) {
  const auto pool = std::make_shared<BufferPool>(kMiB);
  Buffer first = pool->Allocate(kMiB);
  const char* const data = first.data();
  Buffer second = std::move(first);
  EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): what is tested
  EXPECT_EQ(second.data(), data);
  second = pool->Allocate(10);
  EXPECT_EQ(second.size(), 10U);
  EXPECT_EQ(pool->Allocate(kMiB).data(), data) << "assignment gives the old block back";
}

}  // namespace
}  // namespace objectpipes
