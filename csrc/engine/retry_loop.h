// The attempts of one logical request: counts them, and decides about each failure whether there is
// another, and after which backoff. The RetryQueue of the client, which knows what becomes of its
// other requests, may begin that attempt earlier.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/client.h"

namespace objectpipes {

// For reads and listings. I/O thread only.
class RetryLoop {
 public:
  // `try_again` starts the next attempt. `give_up` ends the request, and an attempt in flight, with
  // the final Status. Both may destroy this object.
  RetryLoop(Client* client, std::function<void()> try_again,
            std::function<void(const Status&)> give_up);
  ~RetryLoop() { Cancel(); }
  RetryLoop(const RetryLoop&) = delete;
  RetryLoop& operator=(const RetryLoop&) = delete;

  // Call it before each attempt. False: the credentials have expired, and try_again is called when
  // there are fresh ones.
  bool Attempting();
  // A reply has arrived.
  void Answered();
  // The attempt made progress: earlier failures do not count any more.
  void Progressed() {
    failures_ = shortcuts_ = refreshes_ = 0;
    clock_corrected_ = silent_shortcut_ = false;
    failing_since_ms_ = -1;
    due_ms_ = 0;
  }
  // Much of the reply has arrived, but not all of it.
  void Succeeding() { client_->Succeeding(); }
  void Succeeded();
  // The attempt failed: calls try_again (now or later) or give_up (now).
  void Failed(const Status& status, const RetryHint& hint);
  // Cancels a planned attempt.
  void Cancel();

  // No attempt begins after this time of the client's clock; -1: no limit.
  void set_deadline_ms(int64_t deadline_ms) { deadline_ms_ = deadline_ms; }
  int attempts() const { return attempts_; }
  Route route() const { return route_; }

 private:
  void TryAgain();
  void GiveUp(const Status& status, const std::string& why);
  void RetryAfterBackoff(const Status& status, const RetryHint& hint);
  void WarnIfItLasts(int64_t lasted_ms, int64_t delay_ms);
  void RefreshCredentials(const Status& status, bool others);
  void AwaitCredentials(const Status& status, bool others, int64_t pause_ms);
  void AwaitFirstContact();
  void OnNoContact(int64_t waited_ms);

  Client* const client_;
  const std::function<void()> try_again_;
  const std::function<void(const Status&)> give_up_;
  EventLoop::Timer timer_;
  RetryQueue::Ticket retry_ = 0;  // the planned attempt; 0: none
  int64_t due_ms_ = 0;            // when the last backoff ends or ended, by the loop's clock
  EventLoop::Timer contact_timer_;
  int64_t deadline_ms_ = -1;
  int64_t failing_since_ms_ = -1;  // the start of the first attempt that failed
  int64_t began_ms_ = -1;          // the first attempt
  int64_t attempt_began_ms_ = -1;
  Status last_failure_;
  CredentialStore::History credentials_;  // when the attempt began
  int attempts_ = 0;
  int failures_ = 0;   // in a row, without progress
  int shortcuts_ = 0;  // attempts repeated at once because the transport had learned something
  int refreshes_ = 0;  // credentials replaced
  bool clock_corrected_ = false;  // by one of the shortcuts
  bool silent_shortcut_ = false;  // one followed a request that got no answer
  Route route_ = Route::kDefault;
};

}  // namespace objectpipes
