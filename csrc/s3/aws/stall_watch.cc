#include "s3/aws/stall_watch.h"

namespace objectpipes {
namespace {

constexpr int64_t kLookEveryMs = 50;

}  // namespace

void StallWatch::Add(Handler* handler) {
  if (!looking_) {
    clock_.AdvanceTo(now_ms_(), 0);
    LookLater();
  }
  handlers_[handler] = Seen{-1, clock_.now_ms()};
}

void StallWatch::LookLater() {
  looking_ = true;
  executor_->PostAfter(kLookEveryMs, [self = weak_from_this()] {
    if (const auto watch = self.lock()) watch->Poll();
  });
}

void StallWatch::Poll() {
  looking_ = false;
  clock_.AdvanceTo(now_ms_(), kLookEveryMs);
  for (auto next = handlers_.begin(); next != handlers_.end();) {
    Handler* const handler = next->first;
    Seen& seen = next->second;
    const int64_t progress = handler->progress();
    if (progress < 0 || progress != seen.progress) {
      seen = Seen{progress, clock_.now_ms()};
    } else if (clock_.now_ms() - seen.since_ms > limit_ms_) {
      handler->OnStall();
    }
    next = handlers_.upper_bound(handler);
  }
  if (!handlers_.empty() && !looking_) LookLater();
}

}  // namespace objectpipes
