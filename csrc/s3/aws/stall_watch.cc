#include "s3/aws/stall_watch.h"

#include "base/clock.h"

namespace objectpipes {
namespace {

constexpr int64_t kLookEveryMs = 50;

}  // namespace

void StallWatch::Add(Handler* handler) {
  handlers_.insert(handler);
  if (!looking_) LookLater();
}

void StallWatch::LookLater() {
  looking_ = true;
  executor_->PostAfter(kLookEveryMs, [self = weak_from_this()] {
    if (const auto watch = self.lock()) watch->Poll();
  });
}

void StallWatch::Poll() {
  looking_ = false;
  const int64_t latest_ms = MonotonicMs() - limit_ms_;
  for (auto next = handlers_.begin(); next != handlers_.end();) {
    Handler* const handler = *next;
    const int64_t moved_ms = handler->moved_ms();
    if (moved_ms >= 0 && moved_ms < latest_ms) handler->OnStall();
    next = handlers_.upper_bound(handler);
  }
  if (!handlers_.empty() && !looking_) LookLater();
}

}  // namespace objectpipes
