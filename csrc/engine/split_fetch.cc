#include "engine/split_fetch.h"

namespace objectpipes {
namespace {

constexpr uint64_t kPartBytes = uint64_t{8} << 20;
// A connection within a machine or a rack is faster than this. A slower one is limited by its path,
// and a second one beside it doubles the rate.
constexpr uint64_t kSlowBytesPerMs = 150'000;
constexpr int64_t kMeasureMs = 20;

uint64_t RoundUp(uint64_t value, uint64_t step) { return (value + step - 1) / step * step; }

}  // namespace

SplitFetch::SplitFetch(Client* client, const ObjectId* object, Pin* pin, uint64_t begin,
                       uint64_t end, const Options& options, Handler* handler)
    : client_(client),
      object_(object),
      pin_(pin),
      end_(end),
      max_parts_(static_cast<size_t>(options.max_parts)),
      verify_(options.verify),
      handler_(handler),
      split_timer_(client->loop) {
  first_ = AddPart(begin, end);  // not above: it needs members declared after first_
}

void SplitFetch::Abandon() {
  split_timer_.Cancel();
  split_ = false;
  first_ = nullptr;
  parts_.clear();
}

RangeFetch* SplitFetch::AddPart(uint64_t begin, uint64_t end) {
  parts_.push_back(std::make_unique<RangeFetch>(client_, object_, pin_, begin, end, verify_, this));
  parts_.back()->set_deadline_ms(deadline_ms_);
  return parts_.back().get();
}

void SplitFetch::Start() { first_->Start(); }

void SplitFetch::Resume() {
  measured_from_ms_ = -1;
  for (const auto& part : parts_) part->Resume();
  if (split_) ClaimParts();
}

void SplitFetch::set_deadline_ms(int64_t deadline_ms) {
  deadline_ms_ = deadline_ms;
  for (const auto& part : parts_) part->set_deadline_ms(deadline_ms);
}

int SplitFetch::attempts() const {
  int attempts = finished_attempts_;
  for (const auto& part : parts_) attempts += part->attempts();
  return attempts;
}

Flow SplitFetch::OnReply(const ReplyHead& head) { return handler_->OnReply(head); }

Flow SplitFetch::OnBytes(RangeFetch* fetch, uint64_t offset, const char* data, size_t size) {
  const Flow flow = handler_->OnBytes(fetch, offset, data, size);
  if (flow == Flow::kPause) {
    measured_from_ms_ = -1;  // the reader is slow, not the connection
  } else if (fetch == first_ && !split_) {
    Measure(offset);
  }
  return flow;
}

void SplitFetch::Measure(uint64_t offset) {
  const int64_t now_ms = client_->loop->now_ms();
  if (measured_from_ms_ < 0) {
    measured_from_ms_ = now_ms;
    measured_from_ = offset;
    idle_from_us_ = client_->loop->idle_us();
    return;
  }
  const int64_t elapsed_ms = now_ms - measured_from_ms_;
  if (elapsed_ms < kMeasureMs) return;
  const bool slow = offset - measured_from_ < static_cast<uint64_t>(elapsed_ms) * kSlowBytesPerMs;
  // More connections do not help an I/O thread that is busy with other objects or with fresh
  // memory.
  const bool idle = client_->loop->idle_us() - idle_from_us_ > elapsed_ms * 1000 / 2;
  measured_from_ms_ = -1;
  const bool possible = max_parts_ > 1 && pin_->size >= 0 && !pin_->version.empty() &&
                        offset + 2 * kPartBytes < end();
  if (!slow || !idle || !possible) return;
  split_ = true;
  split_timer_.Set(0, [this] { ClaimParts(); });  // not inside a handler
}

void SplitFetch::ClaimParts() {
  while (parts_.size() < max_parts_) {
    const bool first_claim = claimed_ == kToTheEnd;
    if (first_claim && (first_ == nullptr || first_->comparing())) return;
    const uint64_t begin =
        first_claim ? RoundUp(first_->offset() + kPartBytes / 2, kPartBytes) : claimed_;
    const uint64_t end = std::min(begin + kPartBytes, this->end());
    if (begin >= end || !handler_->HasRoomFor(end)) return;
    if (first_claim) first_->Truncate(begin);
    claimed_ = end;
    AddPart(begin, end)->Start();
  }
}

void SplitFetch::OnFetched(RangeFetch* fetch, const Status& status) {
  // `status` may live in what is destroyed here.
  const Status outcome = status;  // NOLINT(performance-unnecessary-copy-initialization)
  finished_attempts_ += fetch->attempts();
  if (fetch == first_) first_ = nullptr;
  parts_.erase(std::find_if(parts_.begin(), parts_.end(),
                            [fetch](const auto& part) { return part.get() == fetch; }));
  if (!outcome.ok()) {
    Abandon();
    return handler_->OnFetched(outcome);
  }
  if (split_) ClaimParts();
  const bool all_claimed = claimed_ == kToTheEnd || claimed_ >= end();
  if (parts_.empty() && all_claimed) handler_->OnFetched(outcome);
}

}  // namespace objectpipes
