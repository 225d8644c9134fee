#include "engine/whole_read.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace objectpipes {
namespace {

constexpr uint64_t kFirstGuess = uint64_t{64} << 10;  // for a body of unknown length

}  // namespace

WholeRead::WholeRead(Client* client, const ObjectId* object, uint64_t id, const Options& options,
                     Handler* handler)
    : client_(client),
      object_(object),
      id_(id),
      options_(options),
      handler_(handler),
      deadline_ms_(options.deadline_ms),
      verifier_(client, object, &pin_, this) {
  pin_.seen = options.seen;
}

void WholeRead::Start() {
  fetch_ =
      std::make_unique<SplitFetch>(client_, object_, &pin_, options_.begin, options_.end,
                                   SplitFetch::Options{options_.max_parts, options_.verify}, this);
  fetch_->set_deadline_ms(deadline_ms_);
  verifier_.Restart(options_.begin);
  verifier_.set_deadline_ms(deadline_ms_);
  fetch_->Start();
}

void WholeRead::Admit(int64_t deadline_ms) {
  admitted_ = true;  // OnBytes makes room
  deadline_ms_ = deadline_ms;
  fetch_->set_deadline_ms(deadline_ms);
  verifier_.set_deadline_ms(deadline_ms);
  fetch_->Resume();
}

int64_t WholeRead::length() const {
  const bool to_the_end = options_.end == kToTheEnd;
  if (pin_.size < 0) return to_the_end ? -1 : static_cast<int64_t>(options_.end - options_.begin);
  const auto size = static_cast<uint64_t>(pin_.size);
  return static_cast<int64_t>(std::min(options_.end, size) - std::min(options_.begin, size));
}

Flow WholeRead::OnReply(const ReplyHead& head) {
  if (!sized_) {
    sized_ = true;
    const Flow flow = handler_->OnSize(this, length());
    abandoned_ = flow == Flow::kStop;
    if (abandoned_) return flow;
    admitted_ = flow == Flow::kContinue;
  }
  // A read that waits for memory takes none: not even a block that others have used before.
  if (admitted_ && MakeRoom(kFirstGuess) == Flow::kStop) return Flow::kStop;
  if (!ranged() && options_.verify) verifier_.Offer(head.checksum);
  return Flow::kContinue;
}

// Makes room for `size` bytes, or for the whole read if its length is known.
Flow WholeRead::MakeRoom(uint64_t size) {
  const uint64_t needed = length() >= 0 ? static_cast<uint64_t>(length()) : size;
  if (buffer_.valid() && needed <= buffer_.capacity()) return Flow::kContinue;
  const bool grows = buffer_.valid();
  const uint64_t wanted =
      grows && length() < 0 ? std::max<uint64_t>(needed, buffer_.capacity() * 2) : needed;
  if (grows) {
    admitted_ = handler_->OnGrowth(this, wanted) == Flow::kContinue;
    if (!admitted_) return Flow::kPause;
  }
  Buffer larger = client_->pool->Allocate(static_cast<size_t>(wanted));
  if (!larger.valid()) {
    failure_ = NoMemoryFor(wanted);
    return Flow::kStop;
  }
  if (grows) std::memcpy(larger.data(), buffer_.data(), buffer_.size());
  larger.set_size(buffer_.size());
  buffer_ = std::move(larger);
  return Flow::kContinue;
}

Space WholeRead::SpaceAt(const void* /*part*/, uint64_t offset) {
  const uint64_t size = length() < 0 ? kToTheEnd : static_cast<uint64_t>(length());
  if (!admitted_ || verifier_.awaits_part_sizes() || size > buffer_.capacity()) return {};
  return {At(offset), static_cast<size_t>(size - (offset - options_.begin))};
}

Flow WholeRead::OnBytes(const void* /*part*/, uint64_t offset, const char* data, size_t size) {
  if (!admitted_ || verifier_.awaits_part_sizes()) return Flow::kPause;
  const uint64_t end = offset - options_.begin + size;
  if (const Flow room = MakeRoom(end); room != Flow::kContinue) return room;
  if (data != At(offset)) std::memcpy(At(offset), data, size);
  if (length() < 0) buffer_.set_size(static_cast<size_t>(end));
  Verify(offset, data, size);
  return Flow::kContinue;
}

// The verifier cannot take back some of its bytes, but it can start over.
bool WholeRead::TakeBack(const void* /*part*/, uint64_t offset) {
  if (offset != options_.begin || !ahead_.empty()) return false;
  verifier_.Restart(options_.begin);
  return true;
}

// Bytes are hashed while they are warm in the cache, in order; those of a part that is ahead wait.
void WholeRead::Verify(uint64_t offset, const char* data, size_t size) {
  if (offset != verifier_.position()) {
    ahead_.emplace(offset, offset + size);
    return;
  }
  verifier_.Update(data, size);
  for (auto piece = ahead_.begin(); piece != ahead_.end(); piece = ahead_.erase(piece)) {
    const auto [begin, end] = *piece;
    if (begin != verifier_.position()) return;
    verifier_.Update(At(begin), static_cast<size_t>(end - begin));
  }
}

void WholeRead::OnFetched(const Status& status) {
  if (abandoned_) return;
  if (!failure_.ok()) return Finish(failure_);
  if (status.code() == StatusCode::kObjectChanged) {
    client_->stats->restarts.fetch_add(1, std::memory_order_relaxed);
    return Restart(status);
  }
  // Bytes of the damaged range are already in the checksum of the object.
  if (status.code() == StatusCode::kIntegrity) return Restart(status);
  if (!status.ok()) return Finish(status);
  buffer_.set_size(static_cast<size_t>(length()));
  verifier_.Conclude(&buffer_);
}

void WholeRead::OnVerdict(const Status& verdict) {
  if (!verdict.ok()) return OnFetched(verdict);
  Finish(verdict);
}

void WholeRead::Restart(const Status& why) {
  if (++restarts_ > kMaxRereads) return Finish(why);
  earlier_attempts_ += fetch_->attempts();
  pin_ = Pin{};
  pin_.suspect = true;
  ahead_.clear();
  buffer_ = Buffer();
  sized_ = false;
  Start();
}

void WholeRead::Finish(const Status& status) {
  Status outcome = status;
  if (!outcome.ok()) outcome.mutable_detail().attempts = attempts();
  handler_->OnRead(this, outcome);
}

}  // namespace objectpipes
