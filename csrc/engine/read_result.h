// The requests and the results of a window.
#pragma once

#include <cstdint>
#include <string>

#include "base/buffer.h"
#include "base/fork_leaked.h"
#include "base/result.h"
#include "engine/memory_budget.h"
#include "engine/stream.h"
#include "transport/transport.h"

namespace objectpipes {

struct ReadRequest {
  Result<ObjectId> object;   // a URL that cannot be parsed takes its place in the order, too
  int64_t size = -1;         // bytes to be read, if a listing told; -1: unknown
  uint64_t begin = 0;        // bytes [begin, end) of the object: always into one buffer, or
  uint64_t end = kToTheEnd;  // all of it
};

struct ReadResult {
  uint64_t sequence = 0;  // of the request, from 0
  Status status;
  Buffer buffer;              // a whole object, or
  ForkLeaked<Stream> stream;  // a large one; at most one of the two is set
  std::string version;
  int attempts = 0;
  Reservation room;  // of the buffer, until it is taken
};

}  // namespace objectpipes
