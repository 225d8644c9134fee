#include "base/buffer.h"

#include <gtest/gtest.h>

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

TEST(BufferPool, KeepsNoMoreThanItMay) {
  const auto pool = std::make_shared<BufferPool>(kMiB);
  {
    std::vector<Buffer> buffers;
    for (int i = 0; i < 4; ++i) buffers.push_back(pool->Allocate(kMiB / 2));
    for (Buffer& buffer : buffers) std::memset(buffer.data(), 1, buffer.size());
  }
  std::vector<Buffer>
      again;  // two of these come from the pool; which ones is the allocator's affair
  for (int i = 0; i < 4; ++i) again.push_back(pool->Allocate(kMiB / 2));
  for (const Buffer& buffer : again) EXPECT_TRUE(buffer.valid());
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
