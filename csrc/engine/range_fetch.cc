#include "engine/range_fetch.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "transport/content_range.h"

namespace objectpipes {
namespace {

// After an attempt that delivered this much, earlier failures do not count any more.
constexpr uint64_t kProgressBytes = uint64_t{64} << 10;
// A reply may be shorter than the range that was asked for (RFC 9110, 15.3.7). So that an object
// does not arrive byte by byte for ever, this many replies may have less than kProgressBytes.
constexpr int kMaxShortReplies = 64;
// A PiB, twenty times the largest object of S3. What claims more cannot be allocated either.
constexpr int64_t kMaxObjectBytes = int64_t{1} << 50;

// Our own error code, for the advice in errors.py.
constexpr char kNoVersion[] = "NoVersion";

}  // namespace

RangeFetch::RangeFetch(Client* client, const ObjectId* object, Pin* pin, uint64_t begin,
                       uint64_t end, bool verify, Handler* handler)
    : client_(client),
      in_flight_(&client->stats->in_flight),
      object_(object),
      pin_(pin),
      begin_(begin),
      end_(end),
      verify_(verify),
      handler_(handler),
      retry_(
          client, [this] { StartExchange(); },
          [this](const Status& status) {
            exchange_.reset();
            Finish(status);
          }),
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
  asked_end_ = end_;
  reply_end_ = kToTheEnd;
  skip_ = 0;
  if (!retry_.Attempting()) return;
  sent_us_ = MonotonicUs();
  exchange_ = client_->transport->StartGet(request, this);
}

// Nothing would show whether the bytes of two replies belong to one version.
Status RangeFetch::CannotJoin() const {
  constexpr char kWhy[] =
      "the server gives no version of the object (it has no strong ETag, is a member of an archive,"
      " or is the output of an ETL)";
  if (offset_ > begin_) {
    return Status(StatusCode::kObjectChanged,
                  std::string("the connection broke, and the read cannot be resumed: ") + kWhy);
  }
  return Status(StatusCode::kNotSupported,
                std::string("the only earlier position that can be read again is 0: ") + kWhy,
                StatusDetail{kNoVersion});
}

Status RangeFetch::CheckReply(const ReplyHead& head) const {
  if (std::max(head.object_size, head.length) > kMaxObjectBytes) {
    return Status::Protocol("the reply claims " +
                            std::to_string(std::max(head.object_size, head.length)) +
                            " bytes, more than an object can have");
  }
  OBJECTPIPES_RETURN_IF_ERROR(CheckRange(head));
  OBJECTPIPES_RETURN_IF_ERROR(CheckVersion(head));
  return CheckEnd(head);
}

// Whether the reply has the range that was asked for, or the whole object.
Status RangeFetch::CheckRange(const ReplyHead& head) const {
  if (!head.partial) {
    if (head.begin == 0) return Status::Ok();
    return Status::Protocol("the reply does not begin at the object's first byte");
  }
  if (offset_ == 0 && asked_end_ == kToTheEnd) {
    return Status::Protocol(
        "the request was for the whole object, but the reply has a part of it (206)");
  }
  const uint64_t end = head.begin + static_cast<uint64_t>(std::max<int64_t>(head.length, 0));
  if (head.begin != offset_ || head.length < 0 || end > asked_end_) {
    return Status::Protocol("asked for " + RangeText(offset_, asked_end_) + " and got " +
                            RangeText(head.begin, end));
  }
  if (head.object_size < 0) {
    return Status::Protocol("the reply to a range does not say how large the object is");
  }
  return Status::Ok();
}

// Whether the reply is of the version that is being read, and of its size. Without an ETag, only
// the size tells whether it is the object that was listed.
Status RangeFetch::CheckVersion(const ReplyHead& head) const {
  const bool listed = !object_->listed.etag.empty() &&
                      object_->listed.etag == client_->transport->ETagOf(head.version);
  const int64_t seen = pin_->known ? pin_->size : SeenSize(head);
  const int64_t known = pin_->known || seen >= 0 ? seen : listed ? object_->listed.size : -1;
  const bool other_size = head.object_size >= 0 && known >= 0 && head.object_size != known;
  if (pin_->known && (head.version != pin_->version || (other_size && head.version.empty()))) {
    return Status(StatusCode::kObjectChanged, "the object was replaced while it was being read");
  }
  if (other_size) {
    return Status::Protocol("the reply says that the object has " +
                            std::to_string(head.object_size) + " bytes, but " +
                            (known == seen ? "an earlier reply" : "the listing") + " says " +
                            std::to_string(known) + " for the same version");
  }
  if (head.object_size >= 0 && static_cast<uint64_t>(head.object_size) < offset_) {
    return Status::Protocol("the reply says that the object has " +
                            std::to_string(head.object_size) + " bytes, but " +
                            std::to_string(offset_) + " have already arrived");
  }
  return Status::Ok();
}

// Whether it will be noticed if the end of the reply is missing.
Status RangeFetch::CheckEnd(const ReplyHead& head) const {
  const int64_t size = KnownSize(head);
  if (size >= 0) {
    const bool exceeds = head.length >= 0 && head.begin + static_cast<uint64_t>(head.length) >
                                                 static_cast<uint64_t>(size);
    return exceeds ? Status::Protocol("the reply claims more bytes than the object has")
                   : Status::Ok();
  }
  const bool offered = head.checksum.scope == OfferedChecksum::Scope::kObject &&
                       head.checksum.type != ChecksumType::kNone &&
                       Checksum::Available(head.checksum.type);
  // Only a read of the whole object compares this checksum.
  const bool compared = offered && verify_ && begin_ == 0;
  if (head.delimited || compared || end_ != kToTheEnd) return Status::Ok();
  return Status::Protocol(
      std::string(
          "neither the reply (no Content-Length) nor a listing gives the object's size, so a"
          " truncated body would go unnoticed") +
      (offered ? ", because its checksum is not compared (verify=False)" : ""));
}

// The size that an earlier read saw, if this reply is of the same version; -1: none.
int64_t RangeFetch::SeenSize(const ReplyHead& head) const {
  const bool same = !head.version.empty() && head.version == pin_->seen.version;
  return same ? pin_->seen.size : -1;
}

// The size of the object; -1: unknown.
int64_t RangeFetch::KnownSize(const ReplyHead& head) const {
  if (head.object_size >= 0) return head.object_size;
  if (pin_->known) return pin_->size;
  if (const int64_t seen = SeenSize(head); seen >= 0) return seen;
  const std::string_view etag = client_->transport->ETagOf(head.version);
  const bool replaced =
      !etag.empty() && !object_->listed.etag.empty() && etag != object_->listed.etag;
  return replaced ? -1 : object_->listed.size;
}

void RangeFetch::AdoptReply(const ReplyHead& head) {
  const int64_t size = KnownSize(head);
  if (!pin_->known) *pin_ = Pin{true, head.version, head.can_pin, size, false, {}};
  pin_->size = size;  // a ranged reply tells what a chunked one did not
  if (size >= 0) end_ = std::min(end_, static_cast<uint64_t>(size));
  skip_ = offset_ - head.begin;
  reply_end_ = head.length >= 0 ? head.begin + static_cast<uint64_t>(head.length)
               : size >= 0      ? static_cast<uint64_t>(size)
                                : kToTheEnd;
  const bool compares =
      verify_ && head.checksum.scope == OfferedChecksum::Scope::kReply && reply_end_ != kToTheEnd;
  verifier_.Expect(compares ? head.checksum : OfferedChecksum{});
  verified_ = head.begin;
}

// A handshake is no part of the latency of requests.
void RangeFetch::OnConnected() { sent_us_ = MonotonicUs(); }

Flow RangeFetch::OnHead(const ReplyHead& head) {
  client_->concurrency.OnLatency(MonotonicUs() - sent_us_, client_->loop->now_ms());
  retry_.Answered();
  refused_ = CheckReply(head);
  if (!refused_.ok()) return Flow::kStop;
  AdoptReply(head);
  return handler_->OnReply(head);
}

Space RangeFetch::OnSpace() {
  if (skip_ > 0 || complete()) return {};
  Space space = handler_->SpaceAt(this, offset_);
  space.size = static_cast<size_t>(std::min<uint64_t>(space.size, end_ - offset_));
  return space;
}

// Bytes that the handler did not take come again. The bytes of a reply whose connection broke
// cannot be compared.
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
  if (size > reply_end_ - (offset_ - skip_)) {
    refused_ = Status::Protocol("the body continues after the expected " +
                                std::to_string(reply_end_) + " bytes");
  }
  // Verified before the handler gets the bytes: so the last bytes of a damaged reply never reach
  // it.
  if (refused_.ok() && verifier_.active()) refused_ = Verify(data, size);
  if (!refused_.ok()) return Flow::kStop;
  const auto dropped = static_cast<size_t>(std::min<uint64_t>(skip_, size));
  const auto taken =
      static_cast<size_t>(std::min<uint64_t>(size - dropped, end_ > offset_ ? end_ - offset_ : 0));
  if (taken > 0) {
    const Flow flow = handler_->OnBytes(this, offset_, data + dropped, taken);
    if (flow != Flow::kContinue) return flow;
  }
  skip_ -= dropped;
  const bool proven = progress() >= kProgressBytes;
  offset_ += taken;
  if (!proven && progress() >= kProgressBytes) retry_.Succeeding();
  // A reply that ends here is received to its end: then its connection can be reused, and surplus
  // bytes are noticed.
  return complete() && reply_end_ > end_ ? Flow::kStop : Flow::kContinue;
}

void RangeFetch::OnDone(const Status& status, const RetryHint& hint) {
  exchange_.reset();
  if (refused_.ok()) refused_ = Conclude(status);
  if (!refused_.ok()) {
    if (refused_.code() == StatusCode::kObjectChanged) return Finish(refused_);
    if (refused_.code() == StatusCode::kIntegrity) return OnDamaged();
    if (complete()) return OnContradicted();
    return retry_.Failed(refused_, RetryHint{RetryHint::Kind::kRetry, -1, hint.route});
  }
  if (complete()) {
    retry_.Succeeded();
    return Finish(Status::Ok());
  }
  if (status.code() == StatusCode::kCancelled) return Finish(status);
  if (pin_->known && status.detail().http_status == 416) {  // an earlier reply promised this range
    return Finish(Status(StatusCode::kObjectChanged,
                         "the object became shorter while it was being read", status.detail()));
  }
  if (status.detail().http_status == 416 && reply_began_ == 0 && asked_end_ == kToTheEnd) {
    return retry_.Failed(
        Status(StatusCode::kProtocol,
               "the reply refuses a range, but the request was for the whole object",
               status.detail()),
        RetryHint{RetryHint::Kind::kRetry, -1, hint.route});
  }
  if (progress() >= kProgressBytes) retry_.Progressed();
  if (!status.ok()) return retry_.Failed(status, hint);
  const bool gets_on = progress() >= kProgressBytes || ++short_replies_ <= kMaxShortReplies;
  if (progress() > 0 && gets_on) return StartExchange();
  retry_.Failed(Status::Protocol("of " + RangeText(reply_began_, asked_end_) + " the server sent " +
                                 std::to_string(progress()) + " bytes"),
                RetryHint{RetryHint::Kind::kRetry, -1, hint.route});
}

// At the end of a reply: whether it was as long as it should be.
Status RangeFetch::Conclude(const Status& status) {
  // If something malformed follows the last byte, the bytes are not trusted either.
  if (complete() && status.code() == StatusCode::kProtocol) return status;
  if (!status.ok()) return Status::Ok();
  const uint64_t ended = offset_ - skip_;
  if (reply_end_ != kToTheEnd && ended < reply_end_) {
    return Status::Protocol("the body ends after " + std::to_string(ended) + " of " +
                            std::to_string(reply_end_) + " bytes");
  }
  if (skip_ > 0) {
    return Status::Protocol("the body ends after " + std::to_string(ended) + " bytes, but " +
                            std::to_string(offset_) + " had already arrived before");
  }
  if (end_ == kToTheEnd) {  // chunked: only now is the size known
    pin_->size = static_cast<int64_t>(offset_);
    end_ = offset_;
  }
  return Status::Ok();
}

// All bytes have come, but the reply turned out to be wrong.
void RangeFetch::OnContradicted() {
  if (!handler_->TakeBack(this, reply_began_)) return Finish(refused_);
  offset_ = reply_began_;
  retry_.Failed(refused_, RetryHint{RetryHint::Kind::kRetry});
}

void RangeFetch::OnDamaged() {
  client_->stats->integrity_failures.fetch_add(1, std::memory_order_relaxed);
  pin_->suspect = true;
  const bool untouched = offset_ == reply_began_ || handler_->TakeBack(this, reply_began_);
  if (!untouched || ++rereads_ > kMaxRereads) return Finish(refused_);
  offset_ = reply_began_;
  StartExchange();
}

void RangeFetch::Finish(const Status& status) {
  retry_.Cancel();
  handler_->OnFetched(this, status);
}

}  // namespace objectpipes
