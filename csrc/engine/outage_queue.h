// Reads of objects whose node is down. Here they use no memory and do not count as concurrent
// reads, so all others continue.
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
    Status status;  // OK: the node is back; otherwise the read is out of time
  };

  void Put(std::unique_ptr<ReadSlot> slot);
  // The reads that no longer wait, the latest request first. Checks once a second.
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
