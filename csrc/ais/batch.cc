#include "ais/batch.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace objectpipes::ais {
namespace {

// Members of a batch come within milliseconds, or the target waits for one that is lost.
constexpr int64_t kPatienceMs = 3000;
// What a target writes passes two buffers of Go's HTTP server, each of which it may fill and stay
// in: that of the reply, and that of the connection.
constexpr uint64_t kReplyBuffer = 2048;
constexpr uint64_t kConnectionBuffer = 4096;
constexpr uint64_t kPush = 8192;
static_assert(kPush > kReplyBuffer + kConnectionBuffer);
// Behind so many objects that do not exist, AIStore cuts the stream.
constexpr size_t kMostMissing = 8;

}  // namespace

Batch::Batch(HttpSession* session, Cluster* cluster, const std::string& bucket, Tickets tickets,
             Owner* owner)
    : session_(session),
      cluster_(cluster),
      tickets_(std::move(tickets)),
      owner_(owner),
      uri_(BatchUri(bucket)),
      tar_(this) {
  arrived_.reserve(tickets_.size());
}

void Batch::Start() {
  Result<std::string> body = BatchBody(Entries());
  if (!body.ok()) return owner_->OnNews();
  request_.body = std::move(body).value();
  request_.headers = {"content-type: application/json"};
  progress_ms_ = MonotonicMs();
  Send(cluster_->proxy() + uri_);
}

// What the tickets are for, and the smallest of them again, until those push the end of the last
// one out of the target's buffers, where it would stay as long as the stream is open. Not one of
// them many times: if it was deleted, each time counts as missing.
std::vector<BatchEntry> Batch::Entries() const {
  std::vector<BatchEntry> entries;
  for (const auto& ticket : tickets_) entries.push_back({ticket->key, ticket->archpath});
  Tickets again = tickets_;
  std::stable_sort(again.begin(), again.end(),
                   [](const auto& a, const auto& b) { return a->size < b->size; });
  size_t next = 0;
  for (uint64_t pushed = 0; pushed < kPush; ++next) {
    const BatchTicket& ticket = *again[next % again.size()];
    entries.push_back({ticket.key, ticket.archpath});
    pushed += TarStream::SizeOf(static_cast<uint64_t>(ticket.size));
  }
  return entries;
}

void Batch::Send(std::string url) {
  HttpRequest request = request_;
  request.url = std::move(url);
  if (!redirected_) cluster_->AddToken(&request);
  http_status_ = 0;
  http_ = session_->Start(request, this);
}

void Batch::Look(int64_t now_ms) {
  if (http_ == nullptr || handed_over() || now_ms < progress_ms_ + kPatienceMs) return;
  http_.reset();
  Fail();
}

void Batch::HandOver() {
  while (next_ < tickets_.size()) {
    const bool whole = next_ + (in_member_ ? 1 : 0) < arrived_.size();
    if (!whole && !ended()) return;
    BatchTicket::Waiter* const waiter = std::exchange(tickets_[next_]->waiter, nullptr);
    const Arrived came = whole ? std::move(arrived_[next_]) : Arrived{};
    ++next_;
    if (waiter == nullptr) continue;
    if (came.usable) {
      waiter->OnBatched(came.body);
    } else {
      waiter->OnNotBatched();
    }
  }
}

void Batch::Fail() {
  failed_ = missing_ < kMostMissing;
  owner_->OnNews();
}

Flow Batch::OnHead(const HttpHead& head) {
  http_status_ = head.status();
  location_ = head.Get("location");
  progress_ms_ = MonotonicMs();
  return Flow::kContinue;
}

Flow Batch::OnData(const char* data, size_t size) {
  if (http_status_ != 200) return Flow::kContinue;
  progress_ms_ = MonotonicMs();
  const size_t before = arrived_.size();
  const Status status = tar_.Feed({data, size});
  if (arrived_.size() > before || !in_member_) owner_->OnNews();
  return status.ok() ? Flow::kContinue : Flow::kStop;
}

void Batch::OnDone(const Status&) {
  http_.reset();
  if (!redirected_ && http_status_ > 300 && http_status_ < 400) {
    const Result<std::string> url = FollowBatchRedirect(location_);
    redirected_ = true;
    if (url.ok()) return Send(url.value());
  }
  const bool whole = arrived_.size() == tickets_.size() && !in_member_;
  if (!whole) return Fail();
  owner_->OnNews();
}

Status Batch::OnMember(const TarMember& member) {
  if (arrived_.size() == tickets_.size()) return Status::Ok();  // one that was asked for again
  const bool missing = IsMissing(member);
  if (missing) ++missing_;
  in_member_ = true;
  arrived_.push_back(Arrived{!missing && member.size <= kLargestMember, {}});
  if (arrived_.back().usable) arrived_.back().body.reserve(static_cast<size_t>(member.size));
  return Status::Ok();
}

Status Batch::OnMemberData(std::string_view data) {
  if (in_member_ && arrived_.back().usable) arrived_.back().body.append(data);
  return Status::Ok();
}

Status Batch::OnMemberEnd() {
  in_member_ = false;
  return Status::Ok();
}

}  // namespace objectpipes::ais
