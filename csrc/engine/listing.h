// The pages of one listing. The next page is requested while the caller works on this one.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "engine/client.h"
#include "engine/retry_loop.h"
#include "transport/transport.h"

namespace objectpipes {

// Pages that are empty or came before, in a row. A bucket in which millions of objects were deleted
// has empty ones: S3 skips about a thousand delete markers a page.
inline constexpr int kMaxOldPages = 20'000;

class Listing final : public std::enable_shared_from_this<Listing>, private ListHandler {
 public:
  // `timeout_ms` limits the time for each page, with all attempts; -1: only the retry policy limits
  // it.
  static std::shared_ptr<Listing> Open(std::shared_ptr<Client> client, ListRequest request,
                                       int64_t timeout_ms);

  // The caller's side: one thread at a time.

  enum class Outcome { kPage, kEnd, kFailed, kNotYet };
  // The next page. kNotYet after `max_wait_ms`: check for signals and call again. kEnd and kFailed
  // end the listing.
  Outcome Take(int64_t max_wait_ms, ListPage* page, Status* failure);

  void Close();

 private:
  Listing(std::shared_ptr<Client> client, ListRequest request, int64_t timeout_ms);

  void OnPage(Result<ListPage> page, const RetryHint& hint) override;
  void Request();
  void StartExchange();
  void EndOverdue();
  void StartClock();
  void Deliver(Result<ListPage> page);
  Status CheckProgress(const ListPage& page);

  const std::shared_ptr<Client> client_;
  const int64_t timeout_ms_;

  // I/O thread only.
  ListRequest request_;
  RetryLoop retry_;
  std::unique_ptr<Exchange> exchange_;
  int64_t deadline_ms_ = -1;  // by the client's clock
  EventLoop::Timer deadline_timer_;
  std::unordered_set<size_t> seen_tokens_;  // their hashes
  std::unordered_set<size_t> seen_pages_;   // the hashes of their texts
  int old_pages_ = 0;                       // in a row

  std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::optional<Result<ListPage>> page_;
  bool ended_ = false;
};

}  // namespace objectpipes
