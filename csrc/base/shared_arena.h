// Memory that two processes share: one puts bytes in, the other reads them without a copy.
//
// The giver makes the arena. It sends the arena's name with the first bytes, and those bytes the
// slow way. A taker that can open the arena says so inside the arena, and only then does the giver
// use it. So nothing is lost if the taker cannot open it, because it is in another namespace or on
// another machine. A block is free again when the taker releases it. Once the giver has ended, each
// released block returns to the system, and the arena with the last.
//
// No other process keeps the memory alive. A child of the giver does not inherit it. A child of the
// taker gets a copy of the blocks that the taker holds at that moment.
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
  uint64_t id = 0;      // random, because the system reuses both numbers above
  uint64_t capacity = 0;
};

// The giver's end. Any thread.
class SharedArena {
 public:
  // Null where the system has no such memory. Takes only as much memory as is in use at the same
  // time.
  static std::unique_ptr<SharedArena> Create(size_t capacity);
  ~SharedArena();
  SharedArena(const SharedArena&) = delete;
  SharedArena& operator=(const SharedArena&) = delete;

  const ArenaName& name() const { return name_; }
  bool IsOpenElsewhere() const;
  // Copies bytes into a new block and returns where it begins; nothing if there is no room.
  // Precondition: not empty.
  std::optional<uint64_t> Put(std::string_view bytes);
  // Returns free memory to the system. The last call.
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
  std::map<uint64_t, uint64_t> free_;  // size by beginning; neighbours are merged
  std::vector<Lent> lent_;
};

// The taker's end. Any thread.
class OpenArena final : public BufferOwner, public std::enable_shared_from_this<OpenArena> {
 public:
  // Null if this process cannot open it. `on_unused` is called, without a lock, once the giver has
  // ended and the last block was released.
  static std::shared_ptr<OpenArena> Open(const ArenaName& name, std::function<void()> on_unused);
  ~OpenArena() override;
  OpenArena(const OpenArena&) = delete;
  OpenArena& operator=(const OpenArena&) = delete;

  // Whether the giver may still put something into it.
  bool IsInUse() const;
  // The bytes of a block; invalid if there can be no such block. Call it once for each.
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
  std::map<char*, size_t> blocks_;  // taken and not released
};

}  // namespace objectpipes
