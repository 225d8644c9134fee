// Reads of objects whose node is down. Here they take neither memory nor a place among the
// concurrent ones, so that all others go on.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/status.h"
#include "engine/read_slot.h"

namespace objectpipes {

class OutageQueue {
 public:
  struct Ended {
    std::unique_ptr<ReadSlot> slot;
    Status status;  // OK: the node is back; else the time for the read is over
  };

  void Put(std::unique_ptr<ReadSlot> slot);
  // Those that need not wait any longer, the latest request first. Looks once a second.
  std::vector<Ended> TakeEnded(Transport* transport, int64_t now_ms);
  void Clear();

  bool empty() const { return slots_.empty(); }
  size_t size() const { return size_; }  // any thread

 private:
  std::map<uint64_t, std::unique_ptr<ReadSlot>> slots_;  // by sequence
  std::atomic<size_t> size_{0};
  int64_t checked_ms_ = 0;
};

}  // namespace objectpipes
