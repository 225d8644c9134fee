// Memory inside of bytes objects, for objects of which read() will be asked: it costs no copy then.
// A copy takes half as long as receiving, because the bytes are in the cache of another core.
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
  // Those of the engine's process. Never destroyed: which thread would be the last to use them is
  // not known, and it would need the GIL.
  static BytesBlocks* Of(Engine* engine);

  // Has the next object of about this size received into a bytes object. GIL held.
  void OfferAnother(size_t size);

  // The bytes object that such a buffer is the inside of, which is empty then; null for any other
  // buffer. GIL held.
  pybind11::object Unwrap(Buffer* buffer);

 private:
  explicit BytesBlocks(std::shared_ptr<BufferPool> pool);

  void Release(char* data, size_t capacity) override;
  void DropUnused();

  const std::shared_ptr<BufferPool> pool_;
  const uint32_t fork_generation_;
  std::mutex mutex_;               // guards what follows
  std::vector<PyObject*> unused_;  // given back by a thread that may not have the GIL
};

}  // namespace objectpipes
