// A native object that belongs to the process that made it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "base/fork.h"

namespace objectpipes {

// Leaks the object in a child of fork(), which can neither use nor free it.
template <typename T>
class ForkLeaked {
 public:
  ForkLeaked() = default;
  explicit ForkLeaked(std::shared_ptr<T> object)
      : object_(new std::shared_ptr<T>(std::move(object))), generation_(ForkGeneration()) {}
  ~ForkLeaked() { Release(); }
  ForkLeaked(ForkLeaked&& other) noexcept { *this = std::move(other); }
  ForkLeaked& operator=(ForkLeaked&& other) noexcept {
    std::swap(object_, other.object_);
    std::swap(generation_, other.generation_);
    return *this;
  }

  bool in_its_process() const { return generation_ == ForkGeneration(); }

  // Whether it holds an object, in any process.
  explicit operator bool() const { return object_ != nullptr; }
  // Precondition: it holds an object, and in_its_process().
  const std::shared_ptr<T>& get() const { return *object_; }

  // Takes the object out. Null if there is none, and in a child of fork().
  std::shared_ptr<T> Release() {
    if (object_ == nullptr || !in_its_process()) return nullptr;
    const std::unique_ptr<std::shared_ptr<T>> holder(std::exchange(object_, nullptr));
    return std::move(*holder);
  }

 private:
  std::shared_ptr<T>* object_ = nullptr;
  uint32_t generation_ = 0;
};

}  // namespace objectpipes
