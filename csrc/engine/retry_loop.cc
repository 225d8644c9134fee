#include "engine/retry_loop.h"

#include <algorithm>
#include <string>
#include <utility>

namespace objectpipes {
namespace {

constexpr int kMostShortcuts = 6;
constexpr int kMostRefreshes = 2;
constexpr int64_t kLongestRefreshMs = 60'000;
constexpr int64_t kLongestRetryAfterMs = 120'000;  // of a longer wish, this much is granted
constexpr int64_t kRefreshPollMs = 10;

}  // namespace

RetryLoop::RetryLoop(Client* client, std::function<void()> try_again,
                     std::function<void(const Status&)> give_up)
    : client_(client), try_again_(std::move(try_again)), give_up_(std::move(give_up)) {}

void RetryLoop::Attempting() {
  ++attempts_;
  credentials_generation_ = client_->credentials->generation();
}

void RetryLoop::Succeeded() {
  route_ = Route::kDefault;  // a listing goes on with its next page
  client_->retry_budget.OnSuccess();
  client_->concurrency.OnSuccess();
}

void RetryLoop::Cancel() {
  if (timer_.has_value()) client_->loop->Cancel(*timer_);
  timer_.reset();
}

void RetryLoop::After(int64_t delay_ms, std::function<void()> function) {
  timer_ = client_->loop->After(delay_ms, [this, function = std::move(function)] {
    timer_.reset();
    function();
  });
}

// What ends or goes on with the request may destroy this object: a copy of the callback runs.
void RetryLoop::TryAgain() {
  const auto try_again = try_again_;
  try_again();
}

void RetryLoop::GiveUp(const Status& status, const char* why) {
  std::string message = status.message();
  if (why[0] != '\0') message.append(" (").append(why).append(")");
  StatusDetail detail = status.detail();
  detail.attempts = attempts_;
  const auto give_up = give_up_;
  give_up(Status(status.code(), std::move(message), std::move(detail)));
}

void RetryLoop::Failed(const Status& status, const RetryHint& hint) {
  route_ = hint.route;
  if (status.code() == StatusCode::kTimeout) {
    client_->stats->timeouts.fetch_add(1, std::memory_order_relaxed);
  }
  switch (hint.kind) {
    case RetryHint::Kind::kFatal:
      return GiveUp(status, "");
    case RetryHint::Kind::kRetryNow:
      // The server has told its time once: no other time will please it.
      if (status.code() == StatusCode::kClockSkew && std::exchange(clock_corrected_, true))
        return GiveUp(status, "");
      if (++shortcuts_ > kMostShortcuts)
        return GiveUp(status, "the server keeps sending us elsewhere");
      return TryAgain();
    case RetryHint::Kind::kRefreshCredentials:
      // Replaced since the attempt began: of those that there are now, nothing is known.
      if (client_->credentials->generation() != credentials_generation_ &&
          ++shortcuts_ <= kMostShortcuts) {
        return TryAgain();
      }
      if (++refreshes_ > kMostRefreshes) return GiveUp(status, "");
      client_->credentials->RequestRefresh(credentials_generation_);
      return AwaitCredentials(status, client_->loop->now_ms() + kLongestRefreshMs);
    case RetryHint::Kind::kThrottled:
    case RetryHint::Kind::kRetry:
      return RetryAfterBackoff(status, hint);
  }
}

void RetryLoop::RetryAfterBackoff(const Status& status, const RetryHint& hint) {
  const bool throttled = hint.kind == RetryHint::Kind::kThrottled;
  if (throttled) {
    client_->stats->throttled.fetch_add(1, std::memory_order_relaxed);
    client_->concurrency.OnThrottled(client_->loop->now_ms());
  }
  if (++failures_ >= client_->retry_policy.max_attempts) return GiveUp(status, "");
  const int64_t delay_ms =
      std::max(std::min(hint.retry_after_ms, kLongestRetryAfterMs),
               client_->backoff.DelayMs(client_->retry_policy, failures_, throttled,
                                        client_->retry_budget.Take()));
  if (deadline_ms_ >= 0 && client_->loop->now_ms() + delay_ms >= deadline_ms_) {
    return GiveUp(status, "no time left for another attempt");
  }
  client_->stats->retries.fetch_add(1, std::memory_order_relaxed);
  After(delay_ms, [this] { TryAgain(); });
}

void RetryLoop::AwaitCredentials(const Status& status, int64_t until_ms) {
  if (client_->credentials->generation() != credentials_generation_) return TryAgain();
  const int64_t now_ms = client_->loop->now_ms();
  if (now_ms >= until_ms || (deadline_ms_ >= 0 && now_ms >= deadline_ms_)) {
    return GiveUp(status, "no fresh credentials arrived");
  }
  After(kRefreshPollMs, [this, status, until_ms] { AwaitCredentials(status, until_ms); });
}

}  // namespace objectpipes
