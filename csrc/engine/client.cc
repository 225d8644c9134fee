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

void Client::WarnOfRetries(int64_t lasted_ms, const std::string& why) {
  if (warned_) return;
  warned_ = true;
  const std::lock_guard<std::mutex> lock(mutex_);
  warning_ = "waiting for " + contact->endpoint + " for " + std::to_string(lasted_ms / 1000) +
             " s, and trying again: " + why;
}

std::string Client::TakeWarning() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(warning_, std::string());
}

}  // namespace objectpipes
