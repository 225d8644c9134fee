#include "engine/listing.h"

#include <chrono>
#include <functional>
#include <utility>

namespace objectpipes {
namespace {

Status Endless(const std::string& why) {
  return Status::Protocol("the listing would never end: " + why);
}

}  // namespace

Listing::Listing(std::shared_ptr<Client> client, ListRequest request, int64_t timeout_ms)
    : client_(std::move(client)),
      timeout_ms_(timeout_ms),
      request_(std::move(request)),
      retry_(
          client_.get(), [this] { StartExchange(); },
          [this](const Status& status) {
            exchange_.reset();
            Deliver(status);
          }),
      deadline_timer_(client_->loop) {}

std::shared_ptr<Listing> Listing::Open(std::shared_ptr<Client> client, ListRequest request,
                                       int64_t timeout_ms) {
  EventLoop* const loop = client->loop;
  const std::shared_ptr<Listing> listing(
      new Listing(std::move(client), std::move(request), timeout_ms), DeferredDelete(loop));
  loop->Post([listing] { listing->Request(); });
  return listing;
}

void Listing::Request() {
  if (timeout_ms_ >= 0) {
    deadline_ms_ = client_->now_ms() + timeout_ms_;
    retry_.set_deadline_ms(deadline_ms_);
    StartClock();
  }
  StartExchange();
}

void Listing::StartClock() {
  deadline_timer_.Set(deadline_ms_ - client_->now_ms(), [this] {
    if (client_->now_ms() < deadline_ms_) return StartClock();  // it stood still for a while
    EndOverdue();
  });
}

// A reply that arrives byte by byte never stalls, so no attempt would fail.
void Listing::EndOverdue() {
  exchange_.reset();
  retry_.Cancel();
  client_->stats->timeouts.fetch_add(1, std::memory_order_relaxed);
  StatusDetail detail;
  detail.attempts = retry_.attempts();
  Deliver(Status(
      StatusCode::kTimeout,
      "no complete page of the listing arrived within " + std::to_string(timeout_ms_) + " ms",
      std::move(detail)));
}

void Listing::StartExchange() {
  if (!retry_.Attempting()) return;
  request_.route = retry_.route();
  exchange_ = client_->transport->StartList(request_, this);
}

void Listing::OnPage(Result<ListPage> page, const RetryHint& hint) {
  exchange_.reset();
  if (!page.ok()) return retry_.Failed(page.status(), hint);
  retry_.Succeeded();
  retry_.Progressed();
  const Status progress = CheckProgress(page.value());
  if (!progress.ok()) return Deliver(progress);
  Deliver(std::move(page));
}

// A listing whose tokens repeat, or whose pages repeat or stay empty for long, would never end. The
// order of keys does not show that, because not every server lists them in the order of their
// bytes.
Status Listing::CheckProgress(const ListPage& page) {
  request_.token = page.next_token;
  request_.tally = page.tally;
  constexpr std::hash<std::string> kHash;
  if (!page.next_token.empty() && !seen_tokens_.insert(kHash(page.next_token)).second) {
    return Endless("the server sent the same continuation token twice");
  }
  const bool is_new = !page.entries.empty() && seen_pages_.insert(kHash(page.text)).second;
  old_pages_ = is_new ? 0 : old_pages_ + 1;
  if (old_pages_ > kMaxOldPages) {
    return Endless("the last " + std::to_string(old_pages_) + " pages had nothing new");
  }
  return Status::Ok();
}

void Listing::Deliver(Result<ListPage> page) {
  deadline_timer_.Cancel();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    page_ = std::move(page);
  }
  arrived_.notify_one();
}

Listing::Outcome Listing::Take(int64_t max_wait_ms, ListPage* page, Status* failure) {
  std::optional<Result<ListPage>> taken;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    if (ended_) return Outcome::kEnd;
    arrived_.wait_for(lock, std::chrono::milliseconds(max_wait_ms),
                      [this] { return page_.has_value(); });
    if (!page_.has_value()) return Outcome::kNotYet;
    taken.swap(page_);
    ended_ = !taken->ok() || taken->value().next_token.empty();
  }
  if (!taken->ok()) {
    *failure = taken->status();
    return Outcome::kFailed;
  }
  *page = std::move(*taken).value();
  if (!page->next_token.empty()) {
    client_->loop->Post([self = shared_from_this()] { self->Request(); });
  }
  return Outcome::kPage;
}

void Listing::Close() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  client_->loop->Post([self = shared_from_this()] {
    self->exchange_.reset();
    self->retry_.Cancel();
    self->deadline_timer_.Cancel();
  });
}

}  // namespace objectpipes
