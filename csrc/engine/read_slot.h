// One request of a window, in flight or waiting.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/memory_budget.h"
#include "engine/stream.h"
#include "engine/whole_read.h"
#include "transport/transport.h"

namespace objectpipes {

struct ReadSlot {
  uint64_t sequence = 0;
  ObjectId object;
  int64_t size = -1;  // of what is read; -1: unknown
  uint64_t begin = 0;
  uint64_t end = kToTheEnd;
  bool streamed = false;  // it is too large for one buffer
  uint64_t grown = 0;     // bytes that an object of unknown size needs so far
  Reservation room;       // a stream takes it over
  int64_t deadline_ms = -1;
  int64_t no_room_since_ms = -1;  // since when it has waited for memory; -1: it does not
  SeenVersion seen;               // by reads of it that were given up
  std::unique_ptr<WholeRead> whole;
  std::shared_ptr<Stream> stream;

  // Gives up the read, which begins again later.
  void EndWhole() {
    if (whole == nullptr) return;
    if (whole->seen().size >= 0) seen = whole->seen();
    whole.reset();
  }

  bool lacks_room() const { return no_room_since_ms >= 0; }
  bool ranged() const { return begin != 0 || end != kToTheEnd; }
};

}  // namespace objectpipes
