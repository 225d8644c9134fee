#include "base/shared_arena.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <new>
#include <random>
#include <string>
#include <utility>

#include "base/fork.h"

#ifdef __linux__
#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is POSIX
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace objectpipes {
namespace {

// In front of all blocks, in a cache line of its own, as is what stands in front of each block.
struct ArenaHead {
  uint64_t id = 0;
  std::atomic<bool> is_open{false};
};
struct BlockHead {
  std::atomic<bool> is_lent{true};
};
constexpr uint64_t kLine = 64;
static_assert(sizeof(ArenaHead) <= kLine && sizeof(BlockHead) <= kLine);
static_assert(std::atomic<bool>::is_always_lock_free, "else it does not work between processes");

uint64_t RoundUp(uint64_t size) { return (size + kLine - 1) / kLine * kLine; }

ArenaHead* HeadOf(char* memory) { return std::launder(reinterpret_cast<ArenaHead*>(memory)); }
BlockHead* HeadOfBlock(char* data) {
  return std::launder(reinterpret_cast<BlockHead*>(data - kLine));
}

#ifdef __linux__

char* Map(int descriptor, uint64_t capacity) {
  void* memory = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

void Unmap(char* memory, uint64_t capacity) { munmap(memory, capacity); }

bool Lives(int64_t process) { return kill(static_cast<pid_t>(process), 0) == 0 || errno != ESRCH; }

uint64_t RandomId() {
  std::random_device random;
  return (uint64_t{random()} << 32) | random();
}

// The memory of another process, which has not to be an ancestor or to take part in this.
char* MapOf(const ArenaName& name) {
  const std::string path =
      "/proc/" + std::to_string(name.process) + "/fd/" + std::to_string(name.descriptor);
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (descriptor < 0) return nullptr;
  struct stat status{};
  const bool fits = fstat(descriptor, &status) == 0 &&
                    status.st_size == static_cast<off_t>(name.capacity) && name.capacity > kLine;
  char* const memory = fits ? Map(descriptor, name.capacity) : nullptr;
  close(descriptor);
  return memory;
}

#else

void Unmap(char*, uint64_t) {}
char* MapOf(const ArenaName&) { return nullptr; }
bool Lives(int64_t) { return false; }

#endif

}  // namespace

// ---------------------------------------------------------------------------------------------------
// SharedArena

std::unique_ptr<SharedArena> SharedArena::Create(size_t capacity) {
#ifdef __linux__
  ArenaName name;
  name.process = ProcessId();
  name.capacity = RoundUp(capacity) + kLine;
  name.id = RandomId();
  name.descriptor = memfd_create("objectpipes", MFD_CLOEXEC);
  if (name.descriptor < 0) return nullptr;
  const bool sized = ftruncate(name.descriptor, static_cast<off_t>(name.capacity)) == 0;
  char* const memory = sized ? Map(name.descriptor, name.capacity) : nullptr;
  if (memory == nullptr) {
    close(name.descriptor);
    return nullptr;
  }
  (new (memory) ArenaHead)->id = name.id;
  return std::unique_ptr<SharedArena>(new SharedArena(name, memory));
#else
  static_cast<void>(capacity);
  return nullptr;
#endif
}

SharedArena::SharedArena(ArenaName name, char* memory)
    : name_(name), memory_(memory), free_{{kLine, name.capacity - kLine}} {}

SharedArena::~SharedArena() {
  Unmap(memory_, name_.capacity);
#ifdef __linux__
  close(name_.descriptor);
#endif
}

bool SharedArena::IsOpenElsewhere() const {
  return HeadOf(memory_)->is_open.load(std::memory_order_acquire);
}

std::optional<uint64_t> SharedArena::Put(std::string_view bytes) {
  const uint64_t size = kLine + RoundUp(bytes.size());
  std::optional<uint64_t> begin;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    Collect();
    begin = TakeFree(size);
    if (!begin.has_value()) return std::nullopt;
    new (memory_ + *begin) BlockHead;
    lent_.push_back({*begin, size});
  }
  char* const data = memory_ + *begin + kLine;
  std::memcpy(data, bytes.data(), bytes.size());
  return *begin + kLine;
}

// The lowest place that is large enough: it was used last, and is still in the cache.
std::optional<uint64_t> SharedArena::TakeFree(uint64_t size) {
  const auto place = std::find_if(free_.begin(), free_.end(),
                                  [size](const auto& free) { return free.second >= size; });
  if (place == free_.end()) return std::nullopt;
  const auto [begin, room] = *place;
  free_.erase(place);
  if (room > size) free_.emplace(begin + size, room - size);
  return begin;
}

void SharedArena::Collect() {
  const auto returned = std::partition(lent_.begin(), lent_.end(), [this](const Lent& block) {
    const BlockHead* head = HeadOfBlock(memory_ + block.begin + kLine);
    return head->is_lent.load(std::memory_order_acquire);
  });
  std::for_each(returned, lent_.end(), [this](const Lent& block) { Free(block); });
  lent_.erase(returned, lent_.end());
}

void SharedArena::Free(const Lent& block) {
  auto [begin, size] = block;
  auto next = free_.lower_bound(begin);
  if (next != free_.end() && begin + size == next->first) {
    size += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == begin) {
      before->second += size;
      return;
    }
  }
  free_.emplace(begin, size);
}

// ---------------------------------------------------------------------------------------------------
// OpenArena

std::shared_ptr<OpenArena> OpenArena::Open(const ArenaName& name) {
  char* const memory = MapOf(name);
  if (memory == nullptr) return nullptr;
  if (HeadOf(memory)->id != name.id) {
    Unmap(memory, name.capacity);
    return nullptr;
  }
  HeadOf(memory)->is_open.store(true, std::memory_order_release);
  return std::shared_ptr<OpenArena>(new OpenArena(name, memory));
}

OpenArena::OpenArena(const ArenaName& name, char* memory)
    : name_(name), memory_(memory), process_(ProcessId()) {}

OpenArena::~OpenArena() { Unmap(memory_, name_.capacity); }

bool OpenArena::IsInUse() const { return Lives(name_.process); }

Buffer OpenArena::Take(uint64_t begin, uint64_t size) {
  const bool inside = begin >= 2 * kLine && begin <= name_.capacity && begin % kLine == 0 &&
                      size <= name_.capacity - begin;
  if (!inside) return {};
  return {memory_ + begin, static_cast<size_t>(size), static_cast<size_t>(size),
          shared_from_this()};
}

// A child of fork() has the same buffers; the parent may still be reading what it lets go of.
void OpenArena::Release(char* data, size_t /*capacity*/) {
  if (process_ != ProcessId()) return;
  HeadOfBlock(data)->is_lent.store(false, std::memory_order_release);
}

}  // namespace objectpipes
