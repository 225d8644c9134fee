// The retries of a client that wait for their next attempt, as their RetryLoops have decided.
//
// Each waits for the end of its own backoff, which is long after many failures. So that an outage
// of the store does not last longer for them than it does: while nothing succeeds, they take turns
// at probing the store, at a bounded rate. Once anything succeeds again, each success releases two
// of those that wait. So they come back as fast as the store answers, as in TCP's slow start, and
// not all at once.
//
// The time is an argument. I/O thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

namespace objectpipes {

class RetryQueue {
 public:
  using Ticket = uint64_t;

  struct Retry {
    int64_t not_before_ms = 0;  // as the server asked
    int64_t due_ms = 0;         // not earlier than not_before_ms
    std::function<void()> try_again;
  };

  static constexpr int64_t kOutageMs = 1000;      // only failures for so long are an outage
  static constexpr int64_t kProbeAfterMs = 3000;  // until then, backoffs are short
  static constexpr int64_t kProbeMs = 750;        // between two attempts from then on, at most
  static constexpr int kReleasedBySuccess = 2;

  Ticket Add(Retry retry, int64_t now_ms);
  void Remove(Ticket ticket) { waiting_.erase(ticket); }

  void OnAttempt(int64_t now_ms) { attempt_ms_ = now_ms; }
  // True: an outage is over.
  bool OnSuccess(int64_t now_ms);
  // Whether successes still release retries.
  bool releases() const { return !waiting_.empty() && waiting_.begin()->first <= released_until_; }

  // Removes a retry whose time has come, and returns its function; null: there is none.
  std::function<void()> TakeDue(int64_t now_ms);
  // When to call TakeDue() next; nothing if no retry waits.
  std::optional<int64_t> NextMs() const;

 private:
  // When this one may be tried to find out whether the store answers again.
  int64_t ProbeMs(const Retry& retry) const;

  std::map<Ticket, Retry> waiting_;  // in the order of arrival
  Ticket last_ticket_ = 0;
  Ticket released_until_ = 0;      // successes release these: they have waited since an outage
  int64_t attempt_ms_ = 0;         // the last attempt
  int64_t failing_since_ms_ = -1;  // the first failure after the last success; -1: none
};

}  // namespace objectpipes
