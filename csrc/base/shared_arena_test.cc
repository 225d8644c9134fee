#include "base/shared_arena.h"

#include <gtest/gtest.h>

#ifdef __linux__

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "testing/sanitizers.h"

namespace objectpipes {
namespace {

constexpr size_t kKiB = size_t{1} << 10;
constexpr size_t kMiB = size_t{1} << 20;

std::string_view TextOf(const Buffer& buffer) { return {buffer.data(), buffer.size()}; }

class SharedArenaTest : public testing::Test {
 protected:
  Buffer Send(const std::string& bytes) {
    const std::optional<uint64_t> begin = arena_->Put(bytes);
    return begin.has_value() ? open_->Take(*begin, bytes.size()) : Buffer();
  }

  const std::unique_ptr<SharedArena> arena_ = SharedArena::Create(kMiB);
  const std::shared_ptr<OpenArena> open_ = OpenArena::Open(arena_->name(), nullptr);
};

TEST(SharedArena, SaysWhenItIsOpenElsewhere) {
  const auto arena = SharedArena::Create(kMiB);
  EXPECT_FALSE(arena->IsOpenElsewhere());
  const auto open = OpenArena::Open(arena->name(), nullptr);
  EXPECT_TRUE(arena->IsOpenElsewhere());
}

// Numbers of processes and descriptors are used again.
TEST(SharedArena, AnotherThatHasTheSameNumbersIsNotTakenForIt) {
  const auto arena = SharedArena::Create(kMiB);
  ArenaName name = arena->name();
  ++name.id;
  EXPECT_EQ(OpenArena::Open(name, nullptr), nullptr);
  name = arena->name();
  name.capacity += 64;
  EXPECT_EQ(OpenArena::Open(name, nullptr), nullptr);
  name.descriptor = 0;
  EXPECT_EQ(OpenArena::Open(name, nullptr), nullptr);
  name.process = 1 << 30;
  EXPECT_EQ(OpenArena::Open(name, nullptr), nullptr);
  EXPECT_FALSE(arena->IsOpenElsewhere());
}

TEST_F(SharedArenaTest, GivesWhatWasPut) {
  const Buffer first = Send("first");
  const Buffer second = Send(std::string(100 * kKiB, 's'));
  EXPECT_EQ(TextOf(first), "first");
  EXPECT_EQ(TextOf(second), std::string(100 * kKiB, 's'));
}

TEST_F(SharedArenaTest, UsesAgainWhatWasLetGoOfAndNothingElse) {
  const Buffer kept = Send(std::string(400 * kKiB, 'k'));
  for (int i = 0; i < 100; ++i) {
    const std::string bytes(500 * kKiB, static_cast<char>('a' + i % 26));
    EXPECT_EQ(TextOf(Send(bytes)), bytes);
  }
  EXPECT_EQ(TextOf(kept), std::string(400 * kKiB, 'k'));
}

TEST_F(SharedArenaTest, RefusesWhatHasNoRoom) {
  EXPECT_FALSE(arena_->Put(std::string(kMiB, 'x')).has_value());
  std::vector<Buffer> kept;
  for (int i = 0; i < 3; ++i) kept.push_back(Send(std::string(300 * kKiB, 'x')));
  EXPECT_FALSE(arena_->Put(std::string(300 * kKiB, 'x')).has_value());
  kept.erase(kept.begin());
  EXPECT_TRUE(arena_->Put(std::string(300 * kKiB, 'x')).has_value());
}

TEST_F(SharedArenaTest, RoomComesTogetherAgain) {
  std::mt19937 random(1);
  std::vector<std::pair<Buffer, std::string>> kept;
  for (int i = 0; i < 3000; ++i) {
    std::string bytes(1 + random() % (60 * kKiB), static_cast<char>(i));
    Buffer buffer = Send(bytes);
    if (buffer.valid()) kept.emplace_back(std::move(buffer), std::move(bytes));
    while (!kept.empty() && (!buffer.valid() || random() % 2 == 0)) {
      const size_t victim = random() % kept.size();
      ASSERT_EQ(TextOf(kept[victim].first), kept[victim].second);
      kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(victim));
      buffer = Buffer();
      if (random() % 8 == 0) break;
    }
  }
  kept.clear();
  EXPECT_TRUE(Send(std::string(kMiB - kKiB, 'x')).valid()) << "all of it, in one piece";
}

TEST_F(SharedArenaTest, NothingOutsideCanBeTaken) {
  EXPECT_FALSE(open_->Take(0, 1).valid());
  EXPECT_FALSE(open_->Take(64, 1).valid());
  EXPECT_FALSE(open_->Take(129, 1).valid());
  EXPECT_FALSE(open_->Take(128, 2 * kMiB).valid());
  EXPECT_FALSE(open_->Take(uint64_t{1} << 60, 1).valid());
  EXPECT_TRUE(open_->Take(128, 1).valid());
}

TEST_F(SharedArenaTest, WhatIsTakenOutlivesTheGiver) {
  auto arena = SharedArena::Create(kMiB);
  auto open = OpenArena::Open(arena->name(), nullptr);
  const Buffer buffer = open->Take(*arena->Put("still here"), 10);
  arena.reset();
  open.reset();
  EXPECT_EQ(TextOf(buffer), "still here");
}

// It has the same buffers, and the parent may still be reading them.
TEST_F(SharedArenaTest, AChildOfTheTakerLetsGoOfNothing) {
  std::vector<Buffer> kept;
  kept.push_back(Send(std::string(900 * kKiB, 'x')));
  const pid_t child = fork();
  if (child == 0) {
    kept.clear();
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(Send(std::string(900 * kKiB, 'y')).valid());
  EXPECT_EQ(TextOf(kept[0]), std::string(900 * kKiB, 'x'));
  kept.clear();
  EXPECT_TRUE(Send(std::string(900 * kKiB, 'y')).valid());
}

TEST_F(SharedArenaTest, AChildOfTheTakerHasACopyOfItsOwn) {
  std::vector<Buffer> kept;
  kept.push_back(Send(std::string(900 * kKiB, 'x')));
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    char byte = 0;
    close(pipe_ends[1]);
    while (read(pipe_ends[0], &byte, 1) > 0) continue;  // until the parent has overwritten it
    _exit(TextOf(kept[0]) == std::string(900 * kKiB, 'x') ? 0 : 1);
  }
  close(pipe_ends[0]);
  kept.clear();
  for (int wait = 0; wait < 1000 && kept.empty(); ++wait) {
    Buffer buffer = Send(std::string(900 * kKiB, 'y'));
    if (buffer.valid()) kept.push_back(std::move(buffer));
    usleep(10'000);
  }
  EXPECT_EQ(kept.size(), 1U) << "the child still holds the shared memory";
  close(pipe_ends[1]);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// Of the file, however many have it mapped.
size_t MemoryOf(const ArenaName& name) {
  struct stat status{};
  const std::string path = "/proc/self/fd/" + std::to_string(name.descriptor);
  return stat(path.c_str(), &status) == 0 ? static_cast<size_t>(status.st_blocks) * 512 : 0;
}

TEST_F(SharedArenaTest, AfterItsEndMemoryIsReturnedBlockByBlock) {
  Buffer first = Send(std::string(300 * kKiB, 'x'));
  Buffer second = Send(std::string(300 * kKiB, 'y'));
  Send(std::string(300 * kKiB, 'z'));
  EXPECT_GE(MemoryOf(arena_->name()), 900 * kKiB);
  arena_->End();
  EXPECT_LT(MemoryOf(arena_->name()), 640 * kKiB);
  first = Buffer();
  EXPECT_LT(MemoryOf(arena_->name()), 340 * kKiB);
  EXPECT_EQ(TextOf(second), std::string(300 * kKiB, 'y'));
  second = Buffer();
  EXPECT_LT(MemoryOf(arena_->name()), 40 * kKiB);
}

TEST(SharedArena, SaysWhenNobodyUsesItAnyMore) {
  for (const bool killed : {false, true}) {
    int unused = 0;
    auto arena = SharedArena::Create(kMiB);
    const auto open = OpenArena::Open(arena->name(), [&unused] { ++unused; });
    Buffer buffer = open->Take(*arena->Put("first"), 5);
    buffer = open->Take(*arena->Put("second"), 6);
    buffer = Buffer();
    EXPECT_EQ(unused, 0) << "there may be more";
    buffer = open->Take(*arena->Put("third"), 5);
    killed ? arena.reset() : arena->End();
    EXPECT_EQ(unused, 0);
    buffer = Buffer();
    EXPECT_EQ(unused, 1);
  }
}

// AddressSanitizer's own allocator does not survive the fork of a process of several threads.
#ifndef OBJECTPIPES_ADDRESS_SANITIZER
TEST_F(SharedArenaTest, ItIsInUseWhileItsProcessLives) {
  EXPECT_TRUE(open_->IsInUse());
  int name_pipe[2];
  int end_pipe[2];
  ASSERT_EQ(pipe(name_pipe), 0);
  ASSERT_EQ(pipe(end_pipe), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto arena = SharedArena::Create(kMiB);
    if (write(name_pipe[1], &arena->name(), sizeof(ArenaName)) < 0) _exit(1);
    char byte = 0;
    close(end_pipe[1]);
    _exit(read(end_pipe[0], &byte, 1) == 0 ? 0 : 1);
  }
  ArenaName name;
  ASSERT_EQ(read(name_pipe[0], &name, sizeof name), static_cast<ssize_t>(sizeof name));
  const auto open = OpenArena::Open(name, nullptr);
  ASSERT_NE(open, nullptr);
  EXPECT_TRUE(open->IsInUse());
  close(end_pipe[0]);
  close(end_pipe[1]);
  close(name_pipe[0]);
  close(name_pipe[1]);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_FALSE(open->IsInUse());
}
#endif

}  // namespace
}  // namespace objectpipes

#endif  // __linux__
