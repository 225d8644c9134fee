// Memory that two processes share: the one puts bytes in, the other has them without a copy.
//
// The giver makes the arena and tells its name together with the first bytes, which travel by
// themselves. Who can open it says so inside of it; only from then on does the giver rely on it. So
// nothing is lost where the other end cannot: another namespace, or another machine. A block is
// free again when the taker has let go of it. Once the giver has ended, blocks are returned to the
// system as the taker lets go of them, and the arena with the last.
//
// No other process keeps the memory alive. A child of the giver does not inherit it; a child of the
// taker has a copy of what the taker holds at that moment.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/buffer.h"

namespace objectpipes {

struct ArenaName {
  int64_t process = 0;
  int descriptor = -1;  // in that process
  uint64_t id = 0;      // random: both numbers above are used again
  uint64_t capacity = 0;
};

// The giver's end. Any thread.
class SharedArena {
 public:
  // Null where the system has no such memory. Takes up only as much as is in use at once.
  static std::unique_ptr<SharedArena> Create(size_t capacity);
  ~SharedArena();
  SharedArena(const SharedArena&) = delete;
  SharedArena& operator=(const SharedArena&) = delete;

  const ArenaName& name() const { return name_; }
  bool IsOpenElsewhere() const;
  // Copies bytes into a block of their own and returns where it begins; nothing if there is no
  // room. Precondition: not empty.
  std::optional<uint64_t> Put(std::string_view bytes);
  // Nothing is put any more: what is free is returned to the system. The last call.
  void End();

 private:
  struct Lent {
    uint64_t begin;
    uint64_t size;
  };

  SharedArena(ArenaName name, char* memory);
  std::optional<uint64_t> TakeFree(uint64_t size);
  void Collect();
  void Free(const Lent& block);

  const ArenaName name_;
  char* const memory_;
  std::mutex mutex_;
  std::map<uint64_t, uint64_t> free_;  // sizes by beginnings; neighbours are one
  std::vector<Lent> lent_;
};

// The taker's end. Any thread.
class OpenArena final : public BufferOwner, public std::enable_shared_from_this<OpenArena> {
 public:
  // Null if it cannot be opened from here. `on_unused` is called, without a lock, when the last
  // block was let go of and the giver has ended.
  static std::shared_ptr<OpenArena> Open(const ArenaName& name, std::function<void()> on_unused);
  ~OpenArena() override;
  OpenArena(const OpenArena&) = delete;
  OpenArena& operator=(const OpenArena&) = delete;

  // Whether the giver may put something into it yet.
  bool IsInUse() const;
  // What was put there; invalid if no such block can be. To be called once for each.
  Buffer Take(uint64_t begin, uint64_t size);

 private:
  friend class OpenArenaList;

  OpenArena(const ArenaName& name, char* memory, std::function<void()> on_unused);
  void Release(char* data, size_t capacity) override;
  void HoldForChild();
  void BecomePrivate();

  const ArenaName name_;
  char* const memory_;
  const int64_t process_;
  const std::function<void()> on_unused_;
  std::mutex mutex_;
  std::map<char*, size_t> blocks_;  // taken and not let go of
};

}  // namespace objectpipes
