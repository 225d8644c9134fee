#include "engine/stream.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/clock.h"

namespace objectpipes {

Stream::Stream(std::shared_ptr<Client> client, ObjectId object, const Options& options,
               std::function<void(const Status&)> on_first, std::function<void()> on_close)
    : client_(std::move(client)),
      object_(std::move(object)),
      options_(options),
      on_first_(std::move(on_first)),
      on_close_(std::move(on_close)),
      progress_ms_(MonotonicMs()) {}

Stream::~Stream() {
  if (on_close_) on_close_();
}

// ---------------------------------------------------------------------------------------------------
// The I/O thread's side

void Stream::Start() { Fetch(0); }

void Stream::Fetch(uint64_t begin) {
  fetch_ =
      std::make_unique<SplitFetch>(client_.get(), &object_, &pin_, begin, kToTheEnd,
                                   SplitFetch::Options{options_.most_parts, options_.verify}, this);
  if (on_first_) fetch_->set_deadline_ms(options_.deadline_ms);
  fetch_->Start();
}

Flow Stream::OnReply(const ReplyHead& head) {
  if (pin_.size < 0) {
    failure_on_loop_ =
        Status(StatusCode::kNotSupported, "the server does not say how long this large object is");
    return Flow::kStop;
  }
  if (verified_ == 0 && !verifier_.active() && options_.verify) {
    if (head.checksum.scope != OfferedChecksum::Scope::kReply) verifier_.Expect(head.checksum);
    if (verifier_.needs_part_sizes() && pin_.size == 0) verifier_.Expect(OfferedChecksum{});
    if (verifier_.needs_part_sizes()) {
      AskForPartSizes({}, [this](const std::vector<uint64_t>& sizes) {
        verifier_.AssumePartSizes(sizes.empty() ? 0 : sizes.front(),
                                  static_cast<uint64_t>(pin_.size));
        fetch_->Resume();
      });
    }
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  size_ = pin_.size;
  version_ = pin_.version;
  return Flow::kContinue;
}

void Stream::AskForPartSizes(PartSizeProbe::Parts parts,
                             std::function<void(const std::vector<uint64_t>&)> then) {
  probe_ = std::make_unique<PartSizeProbe>(
      client_.get(), &object_, pin_.can_pin ? pin_.version : std::string(), parts,
      on_first_ ? options_.deadline_ms : -1,
      [this, then = std::move(then)](const Result<std::vector<uint64_t>>& sizes) {
        probe_.reset();
        if (!sizes.ok()) return Fail(sizes.status());
        then(sizes.value());
      });
}

bool Stream::HasRoomFor(uint64_t end) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const bool room = end <= wanted_ + options_.allowance;
  paused_ = paused_ || !room;
  return room;
}

bool Stream::StartChunk(const void* part, uint64_t offset) {
  const uint64_t end =
      std::min((offset / kChunkBytes + 1) * kChunkBytes, static_cast<uint64_t>(pin_.size));
  auto chunk = std::make_shared<Chunk>();
  chunk->begin = offset;
  chunk->bytes = client_->pool->Allocate(static_cast<size_t>(end - offset));
  if (!chunk->bytes.valid()) {
    failure_on_loop_ = Status(StatusCode::kInternal, "no memory for a chunk of an object");
    return false;
  }
  filling_[part] = std::move(chunk);
  return true;
}

// Asked between two chunks, which is where a transfer pauses.
bool Stream::MayFill(uint64_t offset) {
  return !verifier_.needs_part_sizes() && HasRoomFor(offset + 1);
}

Space Stream::SpaceAt(const void* part, uint64_t offset) {
  auto filling = filling_.find(part);
  if (filling == filling_.end()) {
    if (!MayFill(offset) || !StartChunk(part, offset)) return {};
    filling = filling_.find(part);
  }
  Chunk& chunk = *filling->second;
  return {chunk.bytes.data() + (offset - chunk.begin), static_cast<size_t>(chunk.end() - offset)};
}

Flow Stream::OnBytes(const void* part, uint64_t offset, const char* data, size_t size) {
  if (!failure_on_loop_.ok()) return Flow::kStop;  // that of another part
  if (filling_.find(part) == filling_.end() && !MayFill(offset)) return Flow::kPause;
  while (size > 0) {
    auto filling = filling_.find(part);
    if (filling == filling_.end()) {
      if (!StartChunk(part, offset)) return Flow::kStop;
      filling = filling_.find(part);
    }
    Chunk& chunk = *filling->second;
    const size_t piece = std::min<size_t>(size, static_cast<size_t>(chunk.end() - offset));
    char* const target = chunk.bytes.data() + (offset - chunk.begin);
    if (data != target) std::memcpy(target, data, piece);
    offset += piece;
    data += piece;
    size -= piece;
    if (offset == chunk.end()) {
      const std::shared_ptr<Chunk> full = std::move(filling->second);
      filling_.erase(filling);
      Finish(full);
    }
  }
  return Flow::kContinue;
}

// What fits into the chunk that is being filled is written over. More than that cannot be kept from
// the reader until its checksum is known, because a reply may be as long as the object: then the
// stream fails, and those of its bytes that the reader has not taken yet are never taken.
bool Stream::TakeBack(const void* part, uint64_t offset) {
  const auto filling = filling_.find(part);
  if (filling != filling_.end() && filling->second->begin <= offset) return true;
  if (last_ != nullptr && last_->begin == 0) {
    last_.reset();
    verifier_.Expect(OfferedChecksum{});
    verified_ = 0;
    return true;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  auto damaged = ready_.upper_bound(offset);
  if (damaged != ready_.begin() && std::prev(damaged)->second->end() > offset) --damaged;
  ready_.erase(damaged, ready_.end());
  return false;
}

// The last chunk of the object is kept back: whether the reply ends behind it, and whether the
// checksum agrees, shows when all of it has been fetched.
void Stream::Finish(const std::shared_ptr<Chunk>& chunk) {
  const bool last = chunk->end() == static_cast<uint64_t>(pin_.size);
  if (last) last_ = chunk;
  Verify(chunk);
  if (!last) Publish(chunk);
}

// Bytes count as verified in order.
void Stream::Verify(std::shared_ptr<Chunk> next) {
  if (!verifier_.active() || next->begin != verified_) return;
  while (next != nullptr) {
    verifier_.Update(next->bytes.data(), next->bytes.size());
    verified_ = next->end();
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto after = ready_.find(verified_);
    next = after != ready_.end()                           ? after->second
           : last_ != nullptr && last_->begin == verified_ ? last_
                                                           : nullptr;
  }
}

void Stream::Conclude() {
  const bool comparable = verifier_.active() && verified_ == static_cast<uint64_t>(pin_.size);
  if (!comparable) return PublishLast();
  const Status verdict = verifier_.Finish();
  if (!verdict.ok() && verifier_.part_sizes_assumed()) {  // either these are wrong or the bytes
    // With other sizes the bytes would have to be hashed again, and they are gone.
    return AskForPartSizes({verifier_.parts(), /*only_even=*/true}, [this, verdict](auto& sizes) {
      const bool compared = sizes == verifier_.part_sizes();
      verifier_.Expect(OfferedChecksum{});
      if (compared && !Judge(verdict)) return Fail(failure_on_loop_);
      PublishLast();
    });
  }
  verifier_.Expect(OfferedChecksum{});
  if (!Judge(verdict)) return Fail(failure_on_loop_);
  PublishLast();
}

bool Stream::Judge(const Status& verdict) {
  auto& counter = verdict.ok() ? client_->stats->verified : client_->stats->integrity_failures;
  counter.fetch_add(1, std::memory_order_relaxed);
  failure_on_loop_ = verdict;
  return verdict.ok();
}

void Stream::Publish(std::shared_ptr<Chunk> chunk) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (seeks_planned_ > 0) return;
    progress_ms_ = client_->loop->now_ms();
    attempts_ = fetch_->attempts();
    if (chunk->end() > wanted_) ready_.emplace(chunk->begin, std::move(chunk));
  }
  arrived_.notify_one();
  ReportFirst(Status::Ok());
}

void Stream::PublishLast() {
  if (last_ != nullptr) return Publish(std::exchange(last_, nullptr));
  ReportFirst(Status::Ok());  // an object without bytes
}

void Stream::OnFetched(const Status& status) {
  if (!failure_on_loop_.ok()) return Fail(failure_on_loop_);
  if (!status.ok()) return Fail(status);
  Conclude();
}

void Stream::Fail(const Status& status) {
  Status failure = status;
  failure.mutable_detail().attempts = fetch_->attempts();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (seeks_planned_ > 0) return;
    failure_ = failure;
  }
  arrived_.notify_one();
  ReportFirst(failure);
}

void Stream::ReportFirst(const Status& status) {
  if (!on_first_) return;
  fetch_->set_deadline_ms(-1);
  if (probe_ != nullptr) probe_->set_deadline_ms(-1);
  const auto report = std::exchange(on_first_, nullptr);
  report(status);
}

void Stream::SeekOnLoop(uint64_t position) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    --seeks_planned_;
  }
  fetch_.reset();
  probe_.reset();
  filling_.clear();
  last_.reset();
  failure_on_loop_ = Status::Ok();
  verifier_.Expect(
      OfferedChecksum{});  // only a read from the first byte to the last can be compared
  verified_ = kToTheEnd;
  Fetch(position);
}

// ---------------------------------------------------------------------------------------------------
// The reader's side

uint64_t Stream::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return size_ < 0 ? 0 : static_cast<uint64_t>(size_);
}

std::string Stream::version() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return version_;
}

int Stream::attempts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return attempts_;
}

Stream::Outcome Stream::Take(uint64_t position, int64_t max_wait_ms, std::shared_ptr<Chunk>* chunk,
                             Status* failure) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_) {
    *failure = Status(StatusCode::kCancelled, "the stream is closed");
    return Outcome::kFailed;
  }
  if (size_ >= 0 && position >= static_cast<uint64_t>(size_)) return Outcome::kEnd;

  const bool one_reply = size_ >= 0 && version_.empty();
  const bool will_come = position >= fetching_from_ && position >= wanted_ &&
                         (one_reply || position < wanted_ + options_.allowance);
  const bool skips = position > wanted_;
  wanted_ = position;
  if (will_come && skips) {
    while (!ready_.empty() && ready_.begin()->second->end() <= position) {
      ready_.erase(ready_.begin());
    }
    Unpause();
  }
  if (!will_come) {
    ready_.clear();
    failure_ = Status::Ok();
    fetching_from_ = position;
    paused_ = false;
    ++seeks_planned_;
    progress_ms_ = MonotonicMs();
    client_->loop->Post([self = shared_from_this(), position] { self->SeekOnLoop(position); });
  }
  const auto holds_position = [this, position] {
    const auto after = ready_.upper_bound(position);
    return after != ready_.begin() && std::prev(after)->second->end() > position;
  };
  arrived_.wait_for(lock, std::chrono::milliseconds(max_wait_ms),
                    [&] { return closed_ || !failure_.ok() || holds_position(); });
  if (!holds_position()) {
    if (!failure_.ok()) {
      *failure = failure_;
      return Outcome::kFailed;
    }
    const int64_t waited_ms = MonotonicMs() - progress_ms_;
    if (options_.timeout_ms < 0 || waited_ms < options_.timeout_ms) return Outcome::kNotYet;
    *failure = Status(StatusCode::kTimeout, "no progress for " + std::to_string(waited_ms) + " ms");
    return Outcome::kFailed;
  }
  const auto found = std::prev(ready_.upper_bound(position));
  *chunk = found->second;
  ready_.erase(ready_.begin(), std::next(found));
  wanted_ = (*chunk)->end();
  Unpause();
  return Outcome::kChunk;
}

void Stream::Unpause() {
  if (!paused_) return;
  paused_ = false;
  progress_ms_ = MonotonicMs();  // it was the reader who made none
  client_->loop->Post([self = shared_from_this()] {
    if (self->fetch_ != nullptr) self->fetch_->Resume();
  });
}

void Stream::Close() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return;
    closed_ = true;
    ready_.clear();
  }
  client_->loop->Post([self = shared_from_this()] {
    self->fetch_.reset();
    self->probe_.reset();
    self->filling_.clear();
    self->last_.reset();
    const auto report = std::exchange(self->on_close_, nullptr);
    if (report) report();
  });
}

}  // namespace objectpipes
