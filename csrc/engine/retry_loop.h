// The attempts of one logical request: counts them, decides about each failure, waits where it
// must.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "engine/client.h"

namespace objectpipes {

// Used by reads and listings alike. I/O thread only.
class RetryLoop {
 public:
  // `try_again` starts the next attempt; `give_up` ends the request with the final Status. Both may
  // destroy this object.
  RetryLoop(Client* client, std::function<void()> try_again,
            std::function<void(const Status&)> give_up);
  ~RetryLoop() { Cancel(); }
  RetryLoop(const RetryLoop&) = delete;
  RetryLoop& operator=(const RetryLoop&) = delete;

  // Before every attempt.
  void Attempting();
  // The attempt moved the request on: earlier failures do not count any more.
  void Progressed() {
    failures_ = shortcuts_ = refreshes_ = 0;
    clock_corrected_ = false;
  }
  void Succeeded();
  // The attempt failed: calls try_again (now or later) or give_up (now).
  void Failed(const Status& status, const RetryHint& hint);
  // Forgets a planned attempt.
  void Cancel();

  // No attempt is begun after this point of the monotonic clock; -1: no limit.
  void set_deadline_ms(int64_t deadline_ms) { deadline_ms_ = deadline_ms; }
  int attempts() const { return attempts_; }
  Route route() const { return route_; }

 private:
  void TryAgain();
  void GiveUp(const Status& status, const char* why);
  void After(int64_t delay_ms, std::function<void()> function);
  void RetryAfterBackoff(const Status& status, const RetryHint& hint);
  void AwaitCredentials(const Status& status, int64_t until_ms);

  Client* const client_;
  const std::function<void()> try_again_;
  const std::function<void(const Status&)> give_up_;
  std::optional<EventLoop::TimerId> timer_;
  int64_t deadline_ms_ = -1;
  uint64_t credentials_generation_ = 0;
  int attempts_ = 0;
  int failures_ = 0;   // in a row, without progress
  int shortcuts_ = 0;  // attempts repeated at once because something had been learned meanwhile
  int refreshes_ = 0;  // credentials replaced
  bool clock_corrected_ = false;  // one of the shortcuts
  Route route_ = Route::kDefault;
};

}  // namespace objectpipes
