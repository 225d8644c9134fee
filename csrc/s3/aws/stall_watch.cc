#include "s3/aws/stall_watch.h"

#include "base/clock.h"

namespace objectpipes {
namespace {

constexpr int64_t kLookEveryMs = 50;

}  // namespace

void StallWatch::Add(Watched* watched) {
  watched_.insert(watched);
  if (!looking_) LookLater();
}

void StallWatch::LookLater() {
  looking_ = true;
  executor_->PostAfter(kLookEveryMs, [self = weak_from_this()] {
    if (const auto watch = self.lock()) watch->Look();
  });
}

void StallWatch::Look() {
  looking_ = false;
  const int64_t latest_ms = MonotonicMs() - limit_ms_;
  for (auto next = watched_.begin(); next != watched_.end();) {
    Watched* const watched = *next;
    const int64_t moved_ms = watched->moved_ms();
    if (moved_ms >= 0 && moved_ms < latest_ms) watched->OnStall();
    next = watched_.upper_bound(watched);
  }
  if (!watched_.empty() && !looking_) LookLater();
}

}  // namespace objectpipes
