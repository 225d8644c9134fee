// Memory for object bodies: written once by the I/O thread, then read-only and handed to Python as
// it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace objectpipes {

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

 private:
  void Swap(Buffer& other) noexcept;

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  std::shared_ptr<BufferOwner> owner_;
};

// Keeps blocks of medium size for the next object. Without it every object of a megabyte costs 256
// page faults, which is as much time as receiving it.
class BufferPool final : public BufferOwner, public std::enable_shared_from_this<BufferPool> {
 public:
  // At most `max_idle` bytes are kept while nobody uses them.
  explicit BufferPool(size_t max_idle);
  ~BufferPool() override;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A buffer of this size; invalid when the system has no memory. Any thread.
  Buffer Allocate(size_t size);

 private:
  void Release(char* data, size_t capacity) override;

  const size_t max_idle_;
  const uint32_t fork_generation_;
  std::mutex mutex_;
  std::map<size_t, std::vector<char*>> idle_;  // by capacity
  size_t idle_bytes_ = 0;
};

}  // namespace objectpipes
