#include "engine/client.h"

namespace objectpipes {

int64_t Client::now_ms() {
  const bool awaits = credentials->refresh_wanted();
  const std::lock_guard<std::mutex> lock(mutex_);
  const int64_t loop_ms = loop->now_ms();
  if (awaiting_) awaited_ms_ += loop_ms - limits_seen_ms_;
  limits_seen_ms_ = loop_ms;
  awaiting_ = awaits;
  return loop_ms - awaited_ms_;
}

void Client::Succeeding() {
  warned_ = false;
  // The retries during an outage could not help, so they do not slow down later ones.
  if (retries_.OnSuccess(loop->now_ms())) retry_budget.Refill();
  if (retries_.releases()) PlanRetries();
}

RetryQueue::Ticket Client::WaitToRetry(RetryQueue::Retry retry) {
  const RetryQueue::Ticket ticket = retries_.Add(std::move(retry), loop->now_ms());
  PlanRetries();
  return ticket;
}

void Client::CancelRetry(RetryQueue::Ticket ticket) {
  retries_.Remove(ticket);
  PlanRetries();
}

// While any retry waits, the read or listing that it belongs to keeps this client alive.
void Client::PlanRetries() {
  const std::optional<int64_t> next_ms = retries_.NextMs();
  if (!next_ms.has_value()) return retry_timer_.Cancel();
  retry_timer_.Set(*next_ms - loop->now_ms(), [this] {
    const auto try_again = retries_.TakeDue(loop->now_ms());
    PlanRetries();
    if (try_again != nullptr) try_again();  // may destroy this client
  });
}

void Client::WarnOfRetries(int64_t lasted_ms, const std::string& why) {
  if (warned_) return;
  warned_ = true;
  const std::lock_guard<std::mutex> lock(mutex_);
  warning_ = "waiting for " + contact->endpoint + " for " + std::to_string(lasted_ms / 1000) +
             " s, still retrying: " + why;
}

std::string Client::TakeWarning() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(warning_, std::string());
}

}  // namespace objectpipes
