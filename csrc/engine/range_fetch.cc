#include "engine/range_fetch.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace objectpipes {
namespace {

// An attempt that delivered this much was not in vain, and failures before it are forgotten.
constexpr uint64_t kProgressBytes = uint64_t{64} << 10;

// Our own word, for who looks for advice.
constexpr char kNoVersion[] = "NoVersion";

std::string RangeText(uint64_t begin, uint64_t end) {
  return std::to_string(begin) + "-" + (end == kToTheEnd ? "" : std::to_string(end - 1));
}

}  // namespace

RangeFetch::RangeFetch(Client* client, const ObjectId* object, Pin* pin, uint64_t begin,
                       uint64_t end, bool verify, Sink* sink)
    : client_(client),
      object_(object),
      pin_(pin),
      begin_(begin),
      end_(end),
      verify_(verify),
      sink_(sink),
      retry_(
          client, [this] { StartExchange(); }, [this](const Status& status) { Finish(status); }),
      offset_(begin) {}

void RangeFetch::Start() { StartExchange(); }

void RangeFetch::Resume() {
  if (exchange_ != nullptr) exchange_->Resume();
}

void RangeFetch::StartExchange() {
  if (pin_->known && pin_->version.empty() && offset_ > 0) return Finish(CannotJoin());
  GetRequest request;
  request.object = *object_;
  request.begin = offset_;
  request.end = end_;
  if (pin_->can_pin) request.if_match = pin_->version;
  request.route = pin_->suspect ? Route::kFallback : retry_.route();

  refused_ = Status::Ok();
  reply_began_ = offset_;
  reply_end_ = kToTheEnd;
  skip_ = 0;
  retry_.Attempting();
  started_us_ = MonotonicUs();
  exchange_ = client_->transport->StartGet(request, this);
}

// Nothing would show that the bytes of two replies are of one version.
Status RangeFetch::CannotJoin() const {
  constexpr char kWhy[] =
      "the server names no version of the object (it has no strong ETag, comes out of an archive,"
      " or is made by an ETL)";
  if (offset_ > begin_) {
    return Status(StatusCode::kObjectChanged, std::string("the connection broke, and ") + kWhy +
                                                  " with which the read could go on");
  }
  StatusDetail detail;
  detail.code = kNoVersion;
  return Status(StatusCode::kNotSupported,
                std::string(kWhy) + ", so there is no going back but to its first byte",
                std::move(detail));
}

Status RangeFetch::CheckReply(const ReplyHead& head) const {
  if (head.begin > offset_ || (head.begin < offset_ && head.begin != 0)) {
    return Status::Protocol("asked for bytes " + RangeText(offset_, end_) + " and got bytes from " +
                            std::to_string(head.begin) + " on");
  }
  if (pin_->known && (head.version != pin_->version || (head.object_size >= 0 && pin_->size >= 0 &&
                                                        head.object_size != pin_->size))) {
    return Status(StatusCode::kObjectChanged, "the object was replaced while it was being read");
  }
  if (head.object_size >= 0 && head.length >= 0 &&
      head.begin + static_cast<uint64_t>(head.length) > static_cast<uint64_t>(head.object_size)) {
    return Status::Protocol("the reply claims more bytes than the object has");
  }
  return Status::Ok();
}

void RangeFetch::AdoptReply(const ReplyHead& head) {
  if (!pin_->known) {
    *pin_ = Pin{true, head.version, head.can_pin,
                head.object_size >= 0 ? head.object_size : pin_->size};
  }
  if (pin_->size < 0) pin_->size = head.object_size;  // a range tells what a chunked reply did not
  if (pin_->size >= 0) end_ = std::min(end_, static_cast<uint64_t>(pin_->size));
  skip_ = offset_ - head.begin;
  reply_end_ = head.length >= 0 ? head.begin + static_cast<uint64_t>(head.length) : kToTheEnd;
  may_exceed_ = head.object_size < 0 && reply_end_ == kToTheEnd;
  const bool compares =
      verify_ && head.checksum.scope == OfferedChecksum::Scope::kReply && reply_end_ != kToTheEnd;
  verifier_.Expect(compares ? head.checksum : OfferedChecksum{});
  verified_ = head.begin;
}

Flow RangeFetch::OnHead(const ReplyHead& head) {
  client_->concurrency.OnLatency(MonotonicUs() - started_us_, client_->loop->now_ms());
  refused_ = CheckReply(head);
  if (!refused_.ok()) return Flow::kStop;
  AdoptReply(head);
  return sink_->OnReply(head);
}

Space RangeFetch::OnSpace() {
  if (skip_ > 0 || complete()) return {};
  Space space = sink_->SpaceAt(this, offset_);
  space.size = static_cast<size_t>(std::min<uint64_t>(space.size, end_ - offset_));
  return space;
}

// Bytes that the sink did not take are offered again. What came of a reply before its connection
// broke cannot be compared.
Status RangeFetch::Verify(const char* data, size_t size) {
  const auto seen = static_cast<size_t>(verified_ - (offset_ - skip_));
  if (size <= seen) return Status::Ok();
  verifier_.Update(data + seen, size - seen);
  verified_ += size - seen;
  if (verified_ < reply_end_) return Status::Ok();
  Status verdict = verifier_.Finish();
  verifier_.Expect(OfferedChecksum{});
  return verdict;
}

Flow RangeFetch::OnData(const char* data, size_t size) {
  // Before the sink has them: then the last bytes of a damaged reply never get there.
  if (verifier_.active()) refused_ = Verify(data, size);
  if (!refused_.ok()) return Flow::kStop;
  const auto dropped = static_cast<size_t>(std::min<uint64_t>(skip_, size));
  const auto taken =
      static_cast<size_t>(std::min<uint64_t>(size - dropped, end_ > offset_ ? end_ - offset_ : 0));
  if (taken > 0) {
    const Flow flow = sink_->OnBytes(this, offset_, data + dropped, taken);
    if (flow != Flow::kContinue) return flow;
  }
  skip_ -= dropped;
  offset_ += taken;
  if (may_exceed_ && complete() && end_ == static_cast<uint64_t>(pin_->size)) {
    if (dropped + taken == size) return Flow::kContinue;
    refused_ = Status(StatusCode::kObjectChanged,
                      "the object is longer than the " + std::to_string(end_) + " bytes listed");
    return Flow::kStop;
  }
  // Let a reply that ends here come to its natural end, so that its connection can be used again.
  return complete() && reply_end_ > end_ ? Flow::kStop : Flow::kContinue;
}

void RangeFetch::OnDone(const Status& status, const RetryHint& hint) {
  exchange_.reset();
  if (!refused_.ok()) {
    if (refused_.code() == StatusCode::kObjectChanged) return Finish(refused_);
    if (refused_.code() == StatusCode::kIntegrity) return OnDamaged();
    return retry_.Failed(refused_, RetryHint{RetryHint::Kind::kRetry, -1, hint.route});
  }
  if (status.ok() && end_ == kToTheEnd) {  // chunked: only now is the size known
    pin_->size = static_cast<int64_t>(offset_);
    end_ = offset_;
  }
  if (complete()) {
    retry_.Succeeded();
    return Finish(Status::Ok());
  }
  if (status.code() == StatusCode::kCancelled) return Finish(status);
  if (pin_->known && status.detail().http_status == 416) {  // an earlier reply promised this range
    return Finish(Status(StatusCode::kObjectChanged, "the object was cut while it was being read",
                         status.detail()));
  }
  const uint64_t progress = offset_ - reply_began_;
  if (progress >= kProgressBytes) retry_.Progressed();
  if (status.ok()) {
    if (progress > 0) return StartExchange();  // a shorter piece than asked for, which is allowed
    return retry_.Failed(
        Status::Protocol("the server sent no byte of the range " + RangeText(offset_, end_)),
        RetryHint{RetryHint::Kind::kRetry, -1, hint.route});
  }
  retry_.Failed(status, hint);
}

void RangeFetch::OnDamaged() {
  client_->stats->integrity_failures.fetch_add(1, std::memory_order_relaxed);
  pin_->suspect = true;
  const bool untouched = offset_ == reply_began_ || sink_->TakeBack(this, reply_began_);
  if (!untouched || ++rereads_ > kMostRereads) return Finish(refused_);
  offset_ = reply_began_;
  StartExchange();
}

void RangeFetch::Finish(const Status& status) {
  retry_.Cancel();
  sink_->OnFetched(this, status);
}

}  // namespace objectpipes
