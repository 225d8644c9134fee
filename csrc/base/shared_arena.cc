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

// In front of all blocks. This head and the head of each block have cache lines of their own.
struct ArenaHead {
  uint64_t id = 0;
  std::atomic<bool> is_open{false};
  std::atomic<bool> has_ended{false};  // set by the giver
};
struct BlockHead {
  std::atomic<uint32_t> holders{1};  // processes that read it; 0: the block is free
};
constexpr uint64_t kLine = 64;
static_assert(sizeof(ArenaHead) <= kLine && sizeof(BlockHead) <= kLine);
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free,
              "else it does not work between processes");

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

// Returns the pages within [begin, end) to the system. They are zero when they are used again.
void FreePages(char* begin, const char* end) {
  static const auto kPage = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  char* const first = begin + (kPage - reinterpret_cast<uintptr_t>(begin) % kPage) % kPage;
  const char* const last = end - reinterpret_cast<uintptr_t>(end) % kPage;
  if (first < last) madvise(first, static_cast<size_t>(last - first), MADV_REMOVE);
}

std::string PathOf(const ArenaName& name) {
  return "/proc/" + std::to_string(name.process) + "/fd/" + std::to_string(name.descriptor);
}

uint64_t RandomId() {
  std::random_device random;
  return (uint64_t{random()} << 32) | random();
}

// Maps the memory of another process, which need not be an ancestor and does not take part in this.
char* MapOf(const ArenaName& name) {
  const int descriptor = open(PathOf(name).c_str(), O_RDWR | O_CLOEXEC);
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
void FreePages(char*, const char*) {}
char* MapOf(const ArenaName&) { return nullptr; }

#endif

}  // namespace

// The arenas that are open in this process, for the hooks of fork(). Never destroyed.
class OpenArenaList {
 public:
  static OpenArenaList& Get() {
    static auto* const kList = new OpenArenaList;
    return *kList;
  }
  void Add(OpenArena* arena) {
    const std::lock_guard<std::mutex> lock(mutex_);
    arenas_.push_back(arena);
  }
  void Remove(OpenArena* arena) {
    const std::lock_guard<std::mutex> lock(mutex_);
    arenas_.erase(std::remove(arenas_.begin(), arenas_.end(), arena), arenas_.end());
  }
  void AddDescriptor(int descriptor) {
    const std::lock_guard<std::mutex> lock(mutex_);
    descriptors_.push_back(descriptor);
  }
  void RemoveDescriptor(int descriptor) {
    const std::lock_guard<std::mutex> lock(mutex_);
    descriptors_.erase(std::remove(descriptors_.begin(), descriptors_.end(), descriptor),
                       descriptors_.end());
  }

 private:
  OpenArenaList() { InstallForkHooks(&BeforeFork, &InParent, &InChild); }

  static void BeforeFork() {
    OpenArenaList& list = Get();
    list.mutex_.lock();
    for (OpenArena* arena : list.arenas_) {
      arena->mutex_.lock();
      arena->HoldForChild();
    }
  }
  static void InParent() {
    OpenArenaList& list = Get();
    for (OpenArena* arena : list.arenas_) arena->mutex_.unlock();
    list.mutex_.unlock();
  }
  static void InChild() {
    OpenArenaList& list = Get();
    for (OpenArena* arena : list.arenas_) {
      arena->BecomePrivate();
      arena->mutex_.unlock();
    }
    list.arenas_.clear();
#ifdef __linux__
    for (const int descriptor : list.descriptors_) close(descriptor);
#endif
    list.descriptors_.clear();
    list.mutex_.unlock();
  }

  std::mutex mutex_;
  std::vector<OpenArena*> arenas_;
  std::vector<int> descriptors_;  // of the arenas of this process
};

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
  madvise(memory, name.capacity, MADV_DONTFORK);
  OpenArenaList::Get().AddDescriptor(name.descriptor);
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
  OpenArenaList::Get().RemoveDescriptor(name_.descriptor);
  close(name_.descriptor);
#endif
}

void SharedArena::End() {
  const std::lock_guard<std::mutex> lock(mutex_);
  HeadOf(memory_)->has_ended.store(true, std::memory_order_seq_cst);
  Collect();  // from now on the taker frees what it releases
  for (const auto& [begin, size] : free_) FreePages(memory_ + begin, memory_ + begin + size);
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

// The lowest place that is large enough: low places were used last, and may still be in a cache.
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
    return head->holders.load(std::memory_order_seq_cst) > 0;
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

std::shared_ptr<OpenArena> OpenArena::Open(const ArenaName& name, std::function<void()> on_unused) {
  char* const memory = MapOf(name);
  if (memory == nullptr) return nullptr;
  if (HeadOf(memory)->id != name.id) {
    Unmap(memory, name.capacity);
    return nullptr;
  }
  HeadOf(memory)->is_open.store(true, std::memory_order_release);
  return std::shared_ptr<OpenArena>(new OpenArena(name, memory, std::move(on_unused)));
}

OpenArena::OpenArena(const ArenaName& name, char* memory, std::function<void()> on_unused)
    : name_(name), memory_(memory), process_(ProcessId()), on_unused_(std::move(on_unused)) {
  OpenArenaList::Get().Add(this);
}

OpenArena::~OpenArena() {
  OpenArenaList::Get().Remove(this);
  Unmap(memory_, name_.capacity);
}

// Whether the giver still has the file open. Its process id says too little: the process may be a
// zombie, or another process may have got the id.
bool OpenArena::IsInUse() const {
#ifdef __linux__
  struct stat status{};
  return !HeadOf(memory_)->has_ended && stat(PathOf(name_).c_str(), &status) == 0 &&
         status.st_size == static_cast<off_t>(name_.capacity);
#else
  return false;
#endif
}

Buffer OpenArena::Take(uint64_t begin, uint64_t size) {
  const bool inside = begin >= 2 * kLine && begin <= name_.capacity && begin % kLine == 0 &&
                      size <= name_.capacity - begin;
  if (!inside) return {};
  const std::lock_guard<std::mutex> lock(mutex_);
  blocks_.emplace(memory_ + begin, static_cast<size_t>(size));
  return {memory_ + begin, static_cast<size_t>(size), static_cast<size_t>(size),
          shared_from_this()};
}

// A child of fork() has the same buffers, but in memory of its own.
void OpenArena::Release(char* data, size_t capacity) {
  if (process_ != ProcessId()) return;
  bool last = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    blocks_.erase(data);
    last = blocks_.empty();
    const bool free = HeadOfBlock(data)->holders.fetch_sub(1, std::memory_order_seq_cst) == 1;
    if (free && HeadOf(memory_)->has_ended) FreePages(data, data + capacity);
  }
  if (last && on_unused_ && !IsInUse()) on_unused_();
}

// Nothing may be overwritten until the child has its copy.
void OpenArena::HoldForChild() {
  for (const auto& [data, size] : blocks_) HeadOfBlock(data)->holders.fetch_add(1);
}

// Replaces the shared memory by a copy of the blocks that are held. Without memory for a copy, the
// child keeps holding the shared blocks.
void OpenArena::BecomePrivate() {
#ifdef __linux__
  void* const copy = mmap(nullptr, name_.capacity, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (copy == MAP_FAILED) return;
  for (const auto& [data, size] : blocks_) {
    std::memcpy(static_cast<char*>(copy) + (data - memory_), data, size);
    HeadOfBlock(data)->holders.fetch_sub(1);
  }
  if (mremap(copy, name_.capacity, name_.capacity, MREMAP_MAYMOVE | MREMAP_FIXED, memory_) ==
      MAP_FAILED) {
    munmap(copy, name_.capacity);
  }
#endif
}

}  // namespace objectpipes
