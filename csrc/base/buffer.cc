#include "base/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/fork.h"

#ifdef __linux__
#include <sys/mman.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace objectpipes {
namespace {

constexpr size_t kMinPooled = size_t{64}
                              << 10;  // below this, the allocator's own free lists are as good
constexpr size_t kMaxIdleAnyway = size_t{32} << 20;
#ifdef __linux__
constexpr size_t kLargePage = size_t{2} << 20;
constexpr size_t kWorthLargePages = 2 * kLargePage;

// Large blocks begin with a large page.
char* MapBlock(size_t capacity) {
  const bool large = capacity >= kWorthLargePages;
  const size_t more = large ? kLargePage : 0;
  void* const mapped =
      mmap(nullptr, capacity + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  char* const block = static_cast<char*>(mapped);
  if (!large) return block;
  const size_t before = (kLargePage - reinterpret_cast<uintptr_t>(block) % kLargePage) % kLargePage;
  if (before > 0) munmap(block, before);
  munmap(block + before + capacity, more - before);
  PreferLargePages(block + before, capacity);
  return block + before;
}

void UnmapBlock(char* block, size_t capacity) { munmap(block, capacity); }
#else
char* MapBlock(size_t capacity) { return static_cast<char*>(std::malloc(capacity)); }
void UnmapBlock(char* block, size_t /*capacity*/) { std::free(block); }
#endif

// Owns blocks that nobody uses.
class System final : public BufferOwner {
 private:
  void Release(char* data, size_t capacity) override { UnmapBlock(data, capacity); }
};

std::shared_ptr<BufferOwner> TheSystem() {
  static auto* const kSystem = new System;  // outlives every buffer
  return {std::shared_ptr<void>(), kSystem};
}

}  // namespace

void PreferLargePages(char* data, size_t size) {
#ifdef __linux__
  if (size < kWorthLargePages) return;
  const size_t before = (kLargePage - reinterpret_cast<uintptr_t>(data) % kLargePage) % kLargePage;
  madvise(data + before, (size - before) / kLargePage * kLargePage, MADV_HUGEPAGE);
#else
  static_cast<void>(data);
  static_cast<void>(size);
#endif
}

void GiveBackFreeMemory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

Status NoMemoryFor(uint64_t bytes) {
  StatusDetail detail;
  detail.code = "NoMemory";
  return Status(StatusCode::kInternal,
                "no memory for " + std::to_string(bytes) + " bytes of an object",
                std::move(detail));
}

Buffer::~Buffer() {
  if (data_ == nullptr) return;
  if (owner_ != nullptr) {
    owner_->Release(data_, capacity_);
  } else {
    std::free(data_);
  }
}

void Buffer::Swap(Buffer& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  std::swap(owner_, other.owner_);
}

char* Buffer::Release() {
  owner_.reset();
  size_ = capacity_ = 0;
  return std::exchange(data_, nullptr);
}

BufferPool::BufferPool(size_t budget)
    : min_budget_(budget), fork_generation_(ForkGeneration()), budget_(budget) {}

bool BufferPool::IsOurs(const Buffer& idle) { return idle.owner() == TheSystem().get(); }

// Four classes per power of two: at most a quarter of a block is wasted.
size_t BufferPool::CapacityFor(size_t size) {
  if (size < kMinPooled) return 0;
  size_t step = kMinPooled / 4;
  while (step * 8 <= size) step *= 2;
  return (size + step - 1) / step * step;
}

Buffer BufferPool::Allocate(size_t size) {
  const size_t pooled = CapacityFor(size);
  if (pooled == 0) {
    char* const data = static_cast<char*>(std::malloc(std::max<size_t>(size, 1)));
    return data == nullptr ? Buffer() : Buffer(data, size, std::max<size_t>(size, 1), nullptr);
  }
  Buffer block = TakeIdle(pooled);
  if (block.valid() && !IsOurs(block)) {
    block.set_size(size);
    return block;
  }
  char* const data = block.valid() ? block.Release() : MapBlock(pooled);
  if (data == nullptr) return {};
  const std::lock_guard<std::mutex> lock(mutex_);
  used_bytes_ += pooled;
  MakeRoomFor(0);
  return {data, size, pooled, shared_from_this()};
}

// Prefers a block that was offered, then the one released last: it may still be in a cache.
Buffer BufferPool::TakeIdle(size_t capacity) {
  const std::lock_guard<std::mutex> lock(mutex_);
  SizeClass& same = classes_[capacity];
  same.asked = ++asked_;
  if (same.idle.empty()) return {};
  const bool lent = !IsOurs(same.idle.back());
  Buffer block = std::move(lent ? same.idle.back() : same.idle.front());
  lent ? same.idle.pop_back() : same.idle.pop_front();
  idle_bytes_ -= capacity;
  return block;
}

size_t BufferPool::MaxIdle() const {
  return std::max(std::min(budget_ / 4, kMaxIdleAnyway), budget_ - std::min(budget_, used_bytes_));
}

// Frees blocks of the size that was asked for longest ago, until there is room. `capacity` itself
// comes last.
bool BufferPool::MakeRoomFor(size_t capacity) {
  const size_t max_idle = MaxIdle();
  if (capacity > max_idle) return false;
  while (idle_bytes_ + capacity > max_idle) {
    auto oldest = classes_.end();
    for (auto it = classes_.begin(); it != classes_.end(); ++it) {
      const bool older = oldest == classes_.end() || it->second.asked < oldest->second.asked;
      if (!it->second.idle.empty() && older) oldest = it;
    }
    if (oldest == classes_.end() || oldest->first == capacity) return false;
    oldest->second.idle.pop_front();
    idle_bytes_ -= oldest->first;
  }
  return true;
}

void BufferPool::Offer(Buffer block) {
  const size_t capacity = block.capacity();
  const std::lock_guard<std::mutex> lock(mutex_);
  std::deque<Buffer>& same = classes_[capacity].idle;
  if (!MakeRoomFor(capacity)) {
    if (same.empty() || !IsOurs(same.front())) return;
    same.pop_front();  // drop one of our own
    idle_bytes_ -= capacity;
  }
  same.push_back(std::move(block));
  idle_bytes_ += capacity;
}

void BufferPool::SetBudget(size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  budget_ = std::max(bytes, min_budget_);
  MakeRoomFor(0);
}

void BufferPool::Release(char* data, size_t capacity) {
  Buffer block(data, 0, capacity, TheSystem());  // frees the block unless it is kept
  // In a child of fork(), a thread that does not exist here may hold the lock.
  if (fork_generation_ != ForkGeneration()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  used_bytes_ -= capacity;
  if (!MakeRoomFor(capacity)) return;
  classes_[capacity].idle.push_front(std::move(block));
  idle_bytes_ += capacity;
}

}  // namespace objectpipes
