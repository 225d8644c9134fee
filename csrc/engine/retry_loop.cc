#include "engine/retry_loop.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace objectpipes {
namespace {

constexpr int kMaxShortcuts = 6;
constexpr int kMaxRefreshes = 2;
constexpr int64_t kMaxRetryAfterMs = 120'000;  // if the server asks for more, this is the wait
// How often to check for fresh credentials: the consumer may be away for hours.
constexpr int64_t kMinRefreshPollMs = 10;
constexpr int64_t kMaxRefreshPollMs = 200;
constexpr int64_t kSilentRetriesMs = 5'000;  // longer retries cause a warning

}  // namespace

RetryLoop::RetryLoop(Client* client, std::function<void()> try_again,
                     std::function<void(const Status&)> give_up)
    : client_(client),
      try_again_(std::move(try_again)),
      give_up_(std::move(give_up)),
      timer_(client->loop),
      contact_timer_(client->loop) {}

bool RetryLoop::Attempting() {
  credentials_ = client_->credentials->history();
  if (client_->credentials->expired(WallSeconds())) {
    client_->credentials->RequestRefresh(credentials_.generation);
    client_->now_ms();  // from here on, the client's clock stands still
    timer_.Set(kMinRefreshPollMs, [this] {
      AwaitCredentials(Status(StatusCode::kExpiredCredentials, "The credentials have expired"),
                       false, kMinRefreshPollMs);
    });
    return false;
  }
  ++attempts_;
  client_->Attempting();
  attempt_began_ms_ = client_->now_ms();
  if (began_ms_ < 0) began_ms_ = attempt_began_ms_;
  AwaitFirstContact();
  return true;
}

// If an endpoint refuses requests or stays silent from the first one on, the user should check it:
// it is not worth retrying for a minute.
void RetryLoop::AwaitFirstContact() {
  if (client_->contact->answered || contact_timer_.is_set()) return;
  const int64_t limit_ms = client_->retry_policy.first_contact_ms;
  const int64_t waited_ms = client_->now_ms() - began_ms_;
  const int64_t next_ms =
      waited_ms < kSilentRetriesMs ? std::min(kSilentRetriesMs, limit_ms) : limit_ms;
  contact_timer_.Set(std::max<int64_t>(next_ms - waited_ms, 1), [this] {
    if (!client_->contact->answered) OnNoContact(client_->now_ms() - began_ms_);
  });
}

// May destroy this.
void RetryLoop::OnNoContact(int64_t waited_ms) {
  const int64_t limit_ms = client_->retry_policy.first_contact_ms;
  if (waited_ms < limit_ms) {
    const std::string& failure = last_failure_.message();
    if (waited_ms >= kSilentRetriesMs) {
      client_->WarnOfRetries(waited_ms, failure.empty() ? "no server has answered" : failure);
    }
    return AwaitFirstContact();
  }
  const std::string why = "no server has answered at " + client_->contact->endpoint + " within " +
                          std::to_string(limit_ms / 1000) + " s";
  if (!last_failure_.ok()) return GiveUp(last_failure_, why);
  GiveUp(Status(StatusCode::kTimeout, why), "");
}

void RetryLoop::Answered() {
  client_->contact->answered = true;
  contact_timer_.Cancel();
}

void RetryLoop::Succeeded() {
  Answered();
  route_ = Route::kDefault;  // a listing continues with its next page
  began_ms_ = failing_since_ms_ = -1;
  client_->Succeeding();
  client_->retry_budget.OnSuccess();
  client_->concurrency.OnSuccess();
}

void RetryLoop::Cancel() {
  timer_.Cancel();
  contact_timer_.Cancel();
  if (retry_ != 0) client_->CancelRetry(std::exchange(retry_, 0));
}

// The callback may destroy this object, so a copy of it runs.
void RetryLoop::TryAgain() {
  const auto try_again = try_again_;
  try_again();
}

void RetryLoop::GiveUp(const Status& status, const std::string& why) {
  std::string message = status.message();
  if (!why.empty()) message.append(" (").append(why).append(")");
  StatusDetail detail = status.detail();
  detail.attempts = attempts_;
  const auto give_up = give_up_;
  give_up(Status(status.code(), std::move(message), std::move(detail)));
}

void RetryLoop::Failed(const Status& status, const RetryHint& hint) {
  route_ = hint.route;
  last_failure_ = status;
  if (status.detail().http_status > 0) Answered();
  if (failing_since_ms_ < 0) failing_since_ms_ = attempt_began_ms_;
  if (status.code() == StatusCode::kTimeout) {
    client_->stats->timeouts.fetch_add(1, std::memory_order_relaxed);
  }
  switch (hint.kind) {
    case RetryHint::Kind::kFatal:
      return GiveUp(status, "");
    case RetryHint::Kind::kRetryNow:
      // Each way that is silent takes as long as an attempt, so only the first one is no attempt.
      if (status.code() == StatusCode::kTimeout && std::exchange(silent_shortcut_, true)) {
        return RetryAfterBackoff(status, hint);
      }
      // The server has told its time once; no other time will help.
      if (status.code() == StatusCode::kClockSkew && std::exchange(clock_corrected_, true))
        return GiveUp(status, "");
      if (++shortcuts_ > kMaxShortcuts)
        return GiveUp(status, "the server redirects again and again");
      return TryAgain();
    case RetryHint::Kind::kRefreshCredentials:
      return RefreshCredentials(status, false);
    case RetryHint::Kind::kOtherCredentials:
      return RefreshCredentials(status, true);
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
  // An attempt that the end of an outage, or the search for it, made come early does not count.
  const int64_t loop_ms = client_->loop->now_ms();
  if (loop_ms >= due_ms_) {
    if (++failures_ >= client_->retry_policy.max_attempts) return GiveUp(status, "");
    due_ms_ = loop_ms + client_->backoff.DelayMs(client_->retry_policy, failures_, throttled,
                                                 client_->retry_budget.Take());
  }
  const int64_t not_before_ms = loop_ms + std::min(hint.retry_after_ms, kMaxRetryAfterMs);
  due_ms_ = std::max(due_ms_, not_before_ms);
  const int64_t delay_ms = due_ms_ - loop_ms;
  const int64_t now_ms = client_->now_ms();
  if (deadline_ms_ >= 0 && now_ms + delay_ms >= deadline_ms_) {
    return GiveUp(status, "no time left for another attempt");
  }
  client_->stats->retries.fetch_add(1, std::memory_order_relaxed);
  WarnIfItLasts(now_ms - failing_since_ms_, delay_ms);
  retry_ = client_->WaitToRetry({not_before_ms, due_ms_, [this] {
                                   retry_ = 0;
                                   timer_.Cancel();
                                   TryAgain();
                                 }});
}

void RetryLoop::WarnIfItLasts(int64_t lasted_ms, int64_t delay_ms) {
  const int64_t silent_ms = kSilentRetriesMs - lasted_ms;
  if (silent_ms <= 0) return client_->WarnOfRetries(lasted_ms, last_failure_.message());
  if (silent_ms >= delay_ms) return;
  timer_.Set(silent_ms,
             [this] { client_->WarnOfRetries(kSilentRetriesMs, last_failure_.message()); });
}

// `others`: the same credentials would fail again.
void RetryLoop::RefreshCredentials(const Status& status, bool others) {
  // If they were replaced since the attempt began, nothing is known about the new ones.
  const CredentialStore::History now = client_->credentials->history();
  const bool replaced =
      others ? now.changes != credentials_.changes : now.generation != credentials_.generation;
  if (replaced && ++shortcuts_ <= kMaxShortcuts) return TryAgain();
  if (++refreshes_ > kMaxRefreshes) return GiveUp(status, "");
  client_->credentials->RequestRefresh(credentials_.generation);
  client_->now_ms();  // from here on, the client's clock stands still
  AwaitCredentials(status, others, kMinRefreshPollMs);
}

void RetryLoop::AwaitCredentials(const Status& status, bool others, int64_t pause_ms) {
  const CredentialStore::History now = client_->credentials->history();
  if (now.generation != credentials_.generation) {
    if (others && now.changes == credentials_.changes) return GiveUp(status, "");
    return TryAgain();
  }
  if (now.failures != credentials_.failures) {
    return GiveUp(status, "no fresh credentials: " + client_->credentials->failure());
  }
  timer_.Set(pause_ms, [this, status, others, pause_ms] {
    AwaitCredentials(status, others, std::min(2 * pause_ms, kMaxRefreshPollMs));
  });
}

}  // namespace objectpipes
