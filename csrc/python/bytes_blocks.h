// Memory inside of bytes objects. An object received there costs no copy when read() is called. A
// copy takes half as long as receiving the object, because the bytes are in the cache of another
// core.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <mutex>
#include <vector>

#include "base/buffer.h"
#include "engine/engine.h"

namespace objectpipes {

class BytesBlocks final : public BufferOwner {
 public:
  // The blocks of the engine's process. Never destroyed: it is unknown which thread uses them last,
  // and that thread would need the GIL.
  static BytesBlocks* Of(Engine* engine);

  // Makes the pool receive the next object of about this size into a bytes object. GIL held.
  void OfferAnother(size_t size);

  // The bytes object around the memory of a buffer, which is empty afterwards; null if the buffer
  // is not inside one. GIL held.
  pybind11::object Unwrap(Buffer* buffer);

 private:
  explicit BytesBlocks(std::shared_ptr<BufferPool> pool);

  void Release(char* data, size_t capacity) override;
  void DropUnused();

  const std::shared_ptr<BufferPool> pool_;
  const uint32_t fork_generation_;
  std::mutex mutex_;               // guards what follows
  std::vector<PyObject*> unused_;  // returned by a thread that may not have the GIL
};

}  // namespace objectpipes
