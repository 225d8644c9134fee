// Ends exchanges whose server has become silent.
//
// The SDK's own limit counts whole seconds and an average speed, and takes up to six seconds
// longer. The SDK's thread may stay that long, but the reader does not wait for it.
#pragma once

#include <cstdint>
#include <memory>
#include <set>

#include "transport/transport.h"

namespace objectpipes {

// Used on the I/O thread only.
class StallWatch : public std::enable_shared_from_this<StallWatch> {
 public:
  class Handler {
   public:
    // When bytes last arrived, by the monotonic clock; -1: not waiting for the server.
    virtual int64_t moved_ms() const = 0;
    // May Remove() any exchange.
    virtual void OnStall() = 0;

   protected:
    ~Handler() = default;
  };

  StallWatch(Executor* executor, int64_t limit_ms) : executor_(executor), limit_ms_(limit_ms) {}

  void Add(Handler* handler);
  void Remove(Handler* handler) { handlers_.erase(handler); }
  int64_t limit_ms() const { return limit_ms_; }

 private:
  void LookLater();
  void Poll();

  Executor* const executor_;
  const int64_t limit_ms_;
  std::set<Handler*> handlers_;
  bool looking_ = false;
};

}  // namespace objectpipes
