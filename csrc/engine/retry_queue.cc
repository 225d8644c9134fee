#include "engine/retry_queue.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace objectpipes {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

}  // namespace

RetryQueue::Ticket RetryQueue::Add(Retry retry, int64_t now_ms) {
  if (failing_since_ms_ < 0) failing_since_ms_ = now_ms;
  waiting_.emplace(++last_ticket_, std::move(retry));
  return last_ticket_;
}

bool RetryQueue::OnSuccess(int64_t now_ms) {
  const bool outage = failing_since_ms_ >= 0 && now_ms - failing_since_ms_ >= kOutageMs;
  failing_since_ms_ = -1;
  if (outage) released_until_ = last_ticket_;
  int left = kReleasedBySuccess;
  for (auto& [ticket, retry] : waiting_) {
    if (ticket > released_until_ || left == 0) break;
    const int64_t earliest_ms = std::max(now_ms, retry.not_before_ms);
    if (retry.due_ms <= earliest_ms) continue;
    retry.due_ms = earliest_ms;
    --left;
  }
  return outage;
}

int64_t RetryQueue::ProbeMs(const Retry& retry) const {
  if (failing_since_ms_ < 0) return kNever;
  return std::max({retry.not_before_ms, failing_since_ms_ + kProbeAfterMs, attempt_ms_ + kProbeMs});
}

std::function<void()> RetryQueue::TakeDue(int64_t now_ms) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& waiting) {
    return std::min(waiting.second.due_ms, ProbeMs(waiting.second)) <= now_ms;
  });
  if (found == waiting_.end()) return nullptr;
  std::function<void()> try_again = std::move(found->second.try_again);
  waiting_.erase(found);
  attempt_ms_ = now_ms;
  return try_again;
}

std::optional<int64_t> RetryQueue::NextMs() const {
  std::optional<int64_t> next_ms;
  for (const auto& [ticket, retry] : waiting_) {
    const int64_t ms = std::min(retry.due_ms, ProbeMs(retry));
    if (!next_ms.has_value() || ms < *next_ms) next_ms = ms;
  }
  return next_ms;
}

}  // namespace objectpipes
