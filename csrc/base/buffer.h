// Memory for object bodies. The I/O thread writes it once; Python then reads it without a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "base/status.h"

namespace objectpipes {

// Asks the system for large pages where they pay: one page fault per 2 MiB instead of 512.
// Receiving 256 MiB then takes a third less time.
void PreferLargePages(char* data, size_t size);

// Makes the allocator return its free memory to the system. Takes milliseconds.
void GiveBackFreeMemory();

// Gets the memory of a buffer back.
class BufferOwner {
 public:
  virtual ~BufferOwner() = default;

 private:
  friend class Buffer;
  virtual void Release(char* data, size_t capacity) = 0;  // any thread
};

// A block of bytes with one owner. Empty after being moved from.
class Buffer {
 public:
  Buffer() = default;
  // No owner: the memory goes back to the allocator.
  Buffer(char* data, size_t size, size_t capacity, std::shared_ptr<BufferOwner> owner)
      : data_(data), size_(size), capacity_(capacity), owner_(std::move(owner)) {}
  Buffer(Buffer&& other) noexcept { Swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer(std::move(other)).Swap(*this);
    return *this;
  }
  ~Buffer();

  char* data() { return data_; }
  const char* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  bool valid() const { return data_ != nullptr; }

  // Precondition: size <= capacity().
  void set_size(size_t size) { size_ = size; }

  const BufferOwner* owner() const { return owner_.get(); }
  // Takes the memory from its owner, who does not get it back.
  char* Release();

 private:
  void Swap(Buffer& other) noexcept;

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  std::shared_ptr<BufferOwner> owner_;
};

// Of a read for which Allocate() found no memory.
Status NoMemoryFor(uint64_t bytes);

// Keeps larger blocks for the next object: the system clears fresh memory, which takes as long as
// receiving an object into it. Each block is mapped on its own, because the allocator could not
// return one that has neighbours in use.
class BufferPool final : public BufferOwner, public std::enable_shared_from_this<BufferPool> {
 public:
  // The pool keeps idle blocks while all of its blocks together take no more than the budget:
  // `budget` bytes, or what SetBudget() says if that is more. Beyond the budget it still keeps a
  // quarter of it, at most 32 MiB.
  explicit BufferPool(size_t budget);
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A buffer of this size; invalid if the system has no memory. Any thread.
  Buffer Allocate(size_t size);
  void SetBudget(size_t bytes);  // any thread
  // Offers memory of another owner for the next Allocate(). Its capacity is one that CapacityFor()
  // returns. If the pool has enough, the block goes back at once. Any thread.
  void Offer(Buffer block);
  // The capacity of a buffer for an object of this size; 0: so small that the allocator is as good.
  static size_t CapacityFor(size_t size);

 private:
  void Release(char* data, size_t capacity) override;
  struct SizeClass {
    std::deque<Buffer> idle;  // offered blocks are at the end
    uint64_t asked = 0;       // the number of the last request for this size
  };

  static bool IsOurs(const Buffer& idle);  // not offered
  Buffer TakeIdle(size_t capacity);
  size_t MaxIdle() const;
  bool MakeRoomFor(size_t capacity);

  const size_t min_budget_;
  const uint32_t fork_generation_;
  std::mutex mutex_;  // guards what follows
  size_t budget_;
  std::map<size_t, SizeClass> classes_;  // by capacity
  uint64_t asked_ = 0;
  size_t idle_bytes_ = 0;
  size_t used_bytes_ = 0;  // of our blocks, in use by the engine or by an object's owner
};

}  // namespace objectpipes
