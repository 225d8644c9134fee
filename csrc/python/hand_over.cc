// Moves objects from a worker of a DataLoader to its main process through shared memory.
#include <pybind11/critical_section.h>
#include <pybind11/stl.h>

#include <atomic>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/fork.h"
#include "base/shared_arena.h"
#include "python/bindings.h"
#include "python/object_reader.h"

namespace py = pybind11;

namespace objectpipes {
namespace {

// Below this, pickling is as fast.
constexpr size_t kMinSharedSize = size_t{16} << 10;

// An object of which each process has its own. A child of fork() makes a new one, and takes no lock
// for that, because another thread of the parent may have held it. Never destroyed: the other end
// may still be reading.
template <typename T>
class OnePerProcess {
 public:
  template <typename Make>
  T* Get(const Make& make) {
    const int64_t process = ProcessId();
    Entry* entry = current_.load(std::memory_order_acquire);
    while (entry == nullptr || entry->process != process) {
      auto fresh = std::make_unique<Entry>(Entry{process, make()});
      if (current_.compare_exchange_strong(entry, fresh.get())) entry = fresh.release();
    }
    return entry->value.get();
  }
  // Null if there is none yet.
  T* Find() const {
    const Entry* const entry = current_.load(std::memory_order_acquire);
    return entry != nullptr && entry->process == ProcessId() ? entry->value.get() : nullptr;
  }

 private:
  struct Entry {
    int64_t process;
    std::unique_ptr<T> value;
  };
  std::atomic<Entry*> current_{nullptr};
};

class OpenArenas {
 public:
  // Null if it cannot be opened. Tries that once.
  std::shared_ptr<OpenArena> Find(const ArenaName& name) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = arenas_.find(name.id);
    if (found != arenas_.end()) return found->second;
    ForgetUnused();
    auto arena = OpenArena::Open(name, [this, id = name.id] { Forget(id); });
    return arenas_.emplace(name.id, std::move(arena)).first->second;
  }

 private:
  void Forget(uint64_t id) {
    std::shared_ptr<OpenArena> last;  // destroyed without the lock
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = arenas_.find(id);
    if (found == arenas_.end()) return;
    last = std::move(found->second);
    arenas_.erase(found);
  }

  // Their buffers keep the memory as long as it is used.
  void ForgetUnused() {
    for (auto it = arenas_.begin(); it != arenas_.end();) {
      const bool in_use = it->second != nullptr && it->second->IsInUse();
      it = in_use ? std::next(it) : arenas_.erase(it);
    }
  }

  std::mutex mutex_;
  std::map<uint64_t, std::shared_ptr<OpenArena>> arenas_;  // by id
};

OnePerProcess<SharedArena>& OwnArena() {
  static OnePerProcess<SharedArena> one;
  return one;
}

std::shared_ptr<OpenArena> ArenaToTakeFrom(const ArenaName& name) {
  static OnePerProcess<OpenArenas> one;
  return one.Get([] { return std::make_unique<OpenArenas>(); })->Find(name);
}

// ---------------------------------------------------------------------------------------------------

using Name = std::tuple<int64_t, int, uint64_t, uint64_t>;

// (name of the arena, position in it or None, the bytes or their number)
py::tuple PutInto(SharedArena* arena, std::string_view bytes) {
  const auto& [process, descriptor, id, capacity] = arena->name();
  const py::object name = py::cast(Name{process, descriptor, id, capacity});
  std::optional<uint64_t> begin;
  if (arena->IsOpenElsewhere()) {
    const py::gil_scoped_release release;
    begin = arena->Put(bytes);
  }
  if (!begin.has_value()) {
    return py::make_tuple(name, py::none(), py::bytes(bytes.data(), bytes.size()));
  }
  return py::make_tuple(name, *begin, bytes.size());
}

// The arguments of which `Receive` makes a reader in another process; None: the reader must be
// pickled. The first call makes an arena with `capacity` bytes of address space. Of it, only the
// blocks that the main process still holds use memory.
py::object Give(const py::object& object, size_t capacity) {
  const py::scoped_critical_section section(object);
  auto& reader = object.cast<ObjectReader&>();
  reader.CheckOpen();
  SharedArena* const arena = OwnArena().Get([&] { return SharedArena::Create(capacity); });
  if (arena == nullptr || !reader.in_memory() || reader.Whole().size() < kMinSharedSize) {
    return py::none();
  }
  const PinnedReader pinned(&reader);
  const py::tuple place = PutInto(arena, reader.Whole());
  return py::make_tuple(place[0], place[1], place[2], reader.Tell(), reader.url(), reader.etag(),
                        reader.attempts());
}

std::unique_ptr<ObjectReader> Receive(const Name& name, std::optional<uint64_t> begin,
                                      const py::object& bytes, uint64_t position, py::object url,
                                      py::object etag, int attempts) {
  const auto& [process, descriptor, id, capacity] = name;
  const std::shared_ptr<OpenArena> arena =
      ArenaToTakeFrom(ArenaName{process, descriptor, id, capacity});
  Buffer buffer;
  if (!begin.has_value()) {
    buffer = CopyOf(bytes.cast<std::string_view>());
  } else if (arena != nullptr) {
    buffer = arena->Take(*begin, bytes.cast<uint64_t>());
  }
  if (!buffer.valid()) {
    throw std::runtime_error("cannot open the shared memory in which a worker put an object; " +
                             std::string("was the object unpickled in another process before?"));
  }
  auto reader =
      std::make_unique<ObjectReader>(std::move(url), std::move(etag), std::move(buffer), attempts);
  reader->Seek(static_cast<int64_t>(position), 0);
  return reader;
}

}  // namespace

void BindHandOver(py::module_& module) {
  module.def("give", &Give, py::arg("reader"), py::arg("capacity"));
  module.def("end_giving", [] {
    if (SharedArena* const arena = OwnArena().Find()) arena->End();
  });
  module.def("receive", &Receive, py::arg("arena"), py::arg("begin"), py::arg("bytes"),
             py::arg("position"), py::arg("url"), py::arg("etag"), py::arg("attempts"));
}

}  // namespace objectpipes
