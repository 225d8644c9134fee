#include "base/buffer.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "base/fork.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace objectpipes {
namespace {

constexpr size_t kSmallestPooled = size_t{64}
                                   << 10;  // below, the allocator's own free lists are as good
#ifdef __linux__
constexpr size_t kLargePage = size_t{2} << 20;
constexpr size_t kWorthLargePages = 2 * kLargePage;
#endif

char* AllocateBlock(size_t capacity) {
#ifdef __linux__
  if (capacity >= kWorthLargePages) {
    void* block = nullptr;
    if (posix_memalign(&block, kLargePage, capacity) != 0) return nullptr;
    PreferLargePages(static_cast<char*>(block), capacity);
    return static_cast<char*>(block);
  }
#endif
  return static_cast<char*>(std::malloc(capacity));
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

char* Buffer::Leave() {
  owner_.reset();
  size_ = capacity_ = 0;
  return std::exchange(data_, nullptr);
}

BufferPool::BufferPool(size_t max_idle)
    : least_max_idle_(max_idle), fork_generation_(ForkGeneration()), max_idle_(max_idle) {}

// Four classes per power of two: at most a quarter of a block is waste.
size_t BufferPool::CapacityFor(size_t size) {
  if (size < kSmallestPooled) return 0;
  size_t step = kSmallestPooled / 4;
  while (step * 8 <= size) step *= 2;
  return (size + step - 1) / step * step;
}

Buffer BufferPool::Allocate(size_t size) {
  const size_t pooled = CapacityFor(size);
  Buffer block = TakeIdle(pooled);
  if (block.valid() && block.owner() != nullptr) {
    block.set_size(size);
    return block;
  }
  const size_t capacity = pooled > 0 ? pooled : std::max<size_t>(size, 1);
  char* const data = block.valid() ? block.Leave() : AllocateBlock(capacity);
  if (data == nullptr) return {};
  return {data, size, capacity, pooled > 0 ? shared_from_this() : nullptr};
}

// One that was offered, or the one that came last, whose memory may still be in a cache.
Buffer BufferPool::TakeIdle(size_t capacity) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = idle_.find(capacity);
  if (found == idle_.end()) return {};
  std::deque<Buffer>& blocks = found->second;
  const bool lent = blocks.back().owner() != nullptr;
  Buffer block = std::move(lent ? blocks.back() : blocks.front());
  lent ? blocks.pop_back() : blocks.pop_front();
  if (blocks.empty()) idle_.erase(found);
  idle_bytes_ -= capacity;
  return block;
}

void BufferPool::Offer(Buffer block) {
  const size_t capacity = block.capacity();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_bytes_ + capacity > max_idle_) {
    const auto found = idle_.find(capacity);
    if (found == idle_.end() || found->second.front().owner() != nullptr) return;
    found->second.pop_front();  // ours gives way
    idle_bytes_ -= capacity;
  }
  idle_[capacity].push_back(std::move(block));
  idle_bytes_ += capacity;
}

void BufferPool::SetMaxIdle(size_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  max_idle_ = std::max(bytes, least_max_idle_);
  while (idle_bytes_ > max_idle_) {
    const auto largest = std::prev(idle_.end());
    idle_bytes_ -= largest->first;
    largest->second.pop_front();
    if (largest->second.empty()) idle_.erase(largest);
  }
}

void BufferPool::Release(char* data, size_t capacity) {
  Buffer block(data, 0, capacity, nullptr);  // freed at the end, if it is not kept
  // In a child of fork() the lock may be held by a thread that does not exist here.
  if (fork_generation_ != ForkGeneration()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_bytes_ + capacity > max_idle_) return;
  idle_[capacity].push_front(std::move(block));
  idle_bytes_ += capacity;
}

}  // namespace objectpipes
