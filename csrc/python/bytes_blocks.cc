#include "python/bytes_blocks.h"

#include <atomic>
#include <cstddef>
#include <utility>

#include "base/fork.h"

namespace py = pybind11;

namespace objectpipes {
namespace {

PyObject* ObjectAround(char* data) {
  return reinterpret_cast<PyObject*>(data - offsetof(PyBytesObject, ob_sval));
}

}  // namespace

BytesBlocks::BytesBlocks(std::shared_ptr<BufferPool> pool)
    : pool_(std::move(pool)), fork_generation_(ForkGeneration()) {}

BytesBlocks* BytesBlocks::Of(Engine* engine) {
  static std::atomic<BytesBlocks*> latest{nullptr};
  BytesBlocks* blocks = latest;
  if (blocks == nullptr || blocks->pool_ != engine->pool()) {
    latest = blocks = new BytesBlocks(engine->pool());
  }
  return blocks;
}

void BytesBlocks::OfferAnother(size_t size) {
  DropUnused();
  const size_t capacity = BufferPool::CapacityFor(size);
  if (capacity == 0) return;
  PyObject* const bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(capacity));
  if (bytes == nullptr) return PyErr_Clear();  // then the next object is copied
  char* const data = PyBytes_AS_STRING(bytes);
  PreferLargePages(data, capacity);
  pool_->Offer(
      Buffer(data, 0, capacity, std::shared_ptr<BufferOwner>(std::shared_ptr<void>(), this)));
}

py::object BytesBlocks::Unwrap(Buffer* buffer) {
  if (buffer->owner() == nullptr || buffer->owner() != this) return {};
  const auto size = static_cast<Py_ssize_t>(buffer->size());
  PyObject* bytes = ObjectAround(buffer->Release());
#ifdef Py_GIL_DISABLED  // only the thread that made the object may change its size
  if (size < PyBytes_GET_SIZE(bytes)) {
    const auto owned = py::reinterpret_steal<py::bytes>(bytes);
    return py::bytes(PyBytes_AS_STRING(bytes), static_cast<size_t>(size));
  }
#endif
  if (_PyBytes_Resize(&bytes, size) != 0) throw py::error_already_set();
  return py::reinterpret_steal<py::object>(bytes);
}

void BytesBlocks::Release(char* data, size_t /*capacity*/) {
  // In a child of fork(), a thread that does not exist here may hold the lock.
  if (fork_generation_ != ForkGeneration()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  unused_.push_back(ObjectAround(data));
}

void BytesBlocks::DropUnused() {
  std::vector<PyObject*> dropped;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    dropped.swap(unused_);
  }
  for (PyObject* bytes : dropped) Py_DECREF(bytes);
}

}  // namespace objectpipes
