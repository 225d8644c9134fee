// Ends exchanges whose server has become silent.
//
// The SDK's own limit counts whole seconds and an average speed, and takes up to six seconds
// longer. The SDK's thread may stay that long, but the reader does not wait for it. Time in which
// the process was stopped does not count.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "transport/transport.h"

namespace objectpipes {

// Used on the I/O thread only.
class StallWatch : public std::enable_shared_from_this<StallWatch> {
 public:
  class Handler {
   public:
    // Grows with whatever arrives; -1: not waiting for the server.
    virtual int64_t progress() const = 0;
    // May Remove() any exchange.
    virtual void OnStall() = 0;

   protected:
    ~Handler() = default;
  };

  StallWatch(Executor* executor, int64_t limit_ms, std::function<int64_t()> now_ms = &MonotonicMs)
      : executor_(executor), limit_ms_(limit_ms), now_ms_(std::move(now_ms)), clock_(now_ms_()) {}

  void Add(Handler* handler);
  void Remove(Handler* handler) { handlers_.erase(handler); }
  int64_t limit_ms() const { return limit_ms_; }

 private:
  struct Seen {
    int64_t progress;
    int64_t since_ms;  // by clock_
  };

  void LookLater();
  void Poll();

  Executor* const executor_;
  const int64_t limit_ms_;
  const std::function<int64_t()> now_ms_;
  RunningClock clock_;
  std::map<Handler*, Seen> handlers_;
  bool looking_ = false;
};

}  // namespace objectpipes
