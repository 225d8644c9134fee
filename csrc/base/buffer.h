// Memory for object bodies: written once by the I/O thread, then read-only and handed to Python as
// it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace objectpipes {

// Has the system give fresh memory in large pages, where it is worth it: one fault per 2 MiB
// instead of 512. Receiving 256 MiB is a third faster then.
void PreferLargePages(char* data, size_t size);

// Has the allocator return what it has free to the system. Takes milliseconds.
void GiveBackFreeMemory();

// Who gets the memory of a buffer back.
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

// Keeps blocks that are not small for the next object. To be given fresh memory, which the system
// clears, takes as long as to receive an object into it. They are mapped one by one: the allocator
// would keep those that have others beside them.
class BufferPool final : public BufferOwner, public std::enable_shared_from_this<BufferPool> {
 public:
  // Blocks stay while nobody uses them as long as all of the pool's together are no more than
  // `budget` bytes, or what SetBudget() says, if that is more; some may do so anyway: a quarter of
  // it, and at most 32 MiB.
  explicit BufferPool(size_t budget);
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A buffer of this size; invalid when the system has no memory. Any thread.
  Buffer Allocate(size_t size);
  void SetBudget(size_t bytes);  // any thread
  // Lends memory of somebody else's, whose capacity is one of CapacityFor(): to whom needs it next.
  // If there is too much already it goes back at once. Any thread.
  void Offer(Buffer block);
  // How much an object of this size is given; 0: so small that the allocator does as well.
  static size_t CapacityFor(size_t size);

 private:
  void Release(char* data, size_t capacity) override;
  struct SizeClass {
    std::deque<Buffer> idle;  // what was offered is at the end
    uint64_t asked = 0;       // when a block was last asked for: the number of that request
  };

  static bool IsOurs(const Buffer& idle);  // not offered
  Buffer TakeIdle(size_t capacity);
  size_t MaxIdle() const;
  bool MakeRoomFor(size_t capacity);

  const size_t least_budget_;
  const uint32_t fork_generation_;
  std::mutex mutex_;  // guards what follows
  size_t budget_;
  std::map<size_t, SizeClass> classes_;  // by capacity
  uint64_t asked_ = 0;
  size_t idle_bytes_ = 0;
  size_t used_bytes_ = 0;  // of our blocks, by the engine or by who has the object
};

}  // namespace objectpipes
