#include "engine/stream.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "base/crc.h"

namespace objectpipes {
namespace {

// A reader that has not called for this long does not count as waiting.
constexpr int64_t kMaxWaitMs = 1000;

uint64_t CrcOf(const Buffer& bytes) {
  return ExtendCrc(CrcKind::kCrc64Nvme, 0, bytes.data(), bytes.size());
}

}  // namespace

Stream::Stream(std::shared_ptr<Client> client, ObjectId object, const Options& options,
               std::shared_ptr<MemoryAccount> account, Reservation room,
               std::function<void(const Status&)> on_first)
    : client_(std::move(client)),
      object_(std::move(object)),
      options_(options),
      account_(std::move(account)),
      on_first_(std::move(on_first)),
      verifier_(client_.get(), &object_, &pin_, this),
      room_(std::move(room)),
      allowance_(options.allowance),
      progress_ms_(client_->now_ms()),
      last_take_ms_(progress_ms_) {
  pin_.seen = options_.seen;
}

Stream::~Stream() { account_->budget()->Remove(this); }

// ---------------------------------------------------------------------------------------------------
// The I/O thread's side

void Stream::Start() {
  account_->budget()->Add(this);
  verifier_.set_deadline_ms(options_.deadline_ms);
  Fetch(0);
}

void Stream::Fetch(uint64_t begin) {
  fetch_ =
      std::make_unique<SplitFetch>(client_.get(), &object_, &pin_, begin, kToTheEnd,
                                   SplitFetch::Options{options_.max_parts, options_.verify}, this);
  if (on_first_) fetch_->set_deadline_ms(options_.deadline_ms);
  fetch_->Start();
}

Flow Stream::OnReply(const ReplyHead& head) {
  if (options_.verify) verifier_.Offer(head.checksum);
  const std::lock_guard<std::mutex> lock(mutex_);
  size_ = pin_.size;
  version_ = pin_.version;
  return Flow::kContinue;
}

// Bytes that the reader waits for take precedence over those that can be read again.
bool Stream::HasRoomFor(uint64_t end) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_ || parked_) return false;
  const uint64_t held_from = HeldFrom();
  const uint64_t needed = end > held_from ? end - held_from : 0;
  // The reader waits although all of the allowance is used: the path needs more parts in flight.
  if (needed > allowance_ && room_.bytes() >= allowance_ && IsAwaited()) {
    allowance_ = std::min(2 * allowance_, std::max(allowance_, options_.max_allowance));
  }
  if (needed > room_.bytes() && room_.bytes() < allowance_) {
    account_->Reserve(allowance_, std::nullopt, this, &room_);
  }
  if (needed > room_.bytes() && room_.bytes() < kChunkBytes && IsAwaited()) {
    account_->Reserve(std::min(allowance_, kChunkBytes), waiting_since_ms_, this, &room_);
  }
  const bool room = needed <= room_.bytes();
  paused_ = paused_ || !room;
  return room;
}

// The chunk that the part fills, or begins to fill at `offset`; null if there is no memory for it.
Chunk* Stream::ChunkOf(const void* part, uint64_t offset) {
  const auto filling = filling_.find(part);
  if (filling != filling_.end()) return filling->second.get();
  uint64_t end = (offset / kChunkBytes + 1) * kChunkBytes;
  if (pin_.size >= 0) end = std::min(end, static_cast<uint64_t>(pin_.size));
  auto chunk = std::make_shared<Chunk>();
  chunk->begin = offset;
  chunk->bytes = client_->pool->Allocate(static_cast<size_t>(end - offset));
  if (!chunk->bytes.valid()) {
    failure_on_loop_ = NoMemoryFor(end - offset);
    return nullptr;
  }
  return (filling_[part] = std::move(chunk)).get();
}

// Asked between two chunks: that is where a transfer pauses.
bool Stream::MayFill(uint64_t offset) {
  return !verifier_.awaits_part_sizes() && HasRoomFor(offset + 1);
}

Space Stream::SpaceAt(const void* part, uint64_t offset) {
  if (filling_.count(part) == 0 && !MayFill(offset)) return {};
  Chunk* const chunk = ChunkOf(part, offset);
  // At its end, whether it was the last chunk shows only when more bytes come.
  if (chunk == nullptr || offset == chunk->end()) return {};
  return {chunk->bytes.data() + (offset - chunk->begin),
          static_cast<size_t>(chunk->end() - offset)};
}

Flow Stream::OnBytes(const void* part, uint64_t offset, const char* data, size_t size) {
  if (!failure_on_loop_.ok()) return Flow::kStop;  // another part has failed
  if (!FinishFilled(part, offset)) return Flow::kStop;
  if (filling_.count(part) == 0 && !MayFill(offset)) return Flow::kPause;
  while (size > 0) {
    Chunk* const chunk = ChunkOf(part, offset);
    if (chunk == nullptr) return Flow::kStop;
    const size_t piece = std::min<size_t>(size, static_cast<size_t>(chunk->end() - offset));
    char* const target = chunk->bytes.data() + (offset - chunk->begin);
    if (data != target) std::memcpy(target, data, piece);
    offset += piece;
    data += piece;
    size -= piece;
    // While the size is unknown, a full chunk may be the last, which must be compared first.
    if ((pin_.size >= 0 || size > 0) && !FinishFilled(part, offset)) return Flow::kStop;
  }
  return Flow::kContinue;
}

// Finishes the chunk of this part if bytes up to `offset` fill it.
bool Stream::FinishFilled(const void* part, uint64_t offset) {
  const auto filling = filling_.find(part);
  if (filling == filling_.end() || filling->second->end() != offset) return true;
  const std::shared_ptr<Chunk> full = std::move(filling->second);
  filling_.erase(filling);
  return Finish(full);
}

// Finishes the last chunk of an object whose size was unknown until now.
bool Stream::FinishLast() {
  if (filling_.empty()) return true;
  const std::shared_ptr<Chunk> last = std::move(filling_.begin()->second);
  filling_.clear();
  last->bytes.set_size(static_cast<size_t>(static_cast<uint64_t>(pin_.size) - last->begin));
  return last->bytes.size() == 0 || Finish(last);
}

// Bytes of the chunk that is being filled are written again. Earlier chunks cannot be held back
// until the checksum of their reply is known, because a reply may be as long as the object: then
// the stream fails, and the reader gets none of those that it has not taken yet.
bool Stream::TakeBack(const void* part, uint64_t offset) {
  const auto filling = filling_.find(part);
  if (filling != filling_.end() && filling->second->begin <= offset) return true;
  if (last_ != nullptr && last_->begin == 0) {
    last_.reset();
    verifier_.Restart(0);
    return true;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  auto damaged = ready_.upper_bound(offset);
  if (damaged != ready_.begin() && std::prev(damaged)->second->end() > offset) --damaged;
  ready_.erase(damaged, ready_.end());
  return false;
}

// Keeps the last chunk of the object back. Only when all of the object has been fetched is it known
// whether the reply ends there and the checksum matches.
bool Stream::Finish(const std::shared_ptr<Chunk>& chunk) {
  if (!IsAsBefore(*chunk)) return false;
  const bool last = chunk->end() == static_cast<uint64_t>(pin_.size);
  if (last) last_ = chunk;
  Verify(chunk);
  if (!last) Publish(chunk);
  return true;
}

// Bytes are hashed in order.
void Stream::Verify(std::shared_ptr<Chunk> next) {
  if (!verifier_.active() || next->begin != verifier_.position()) return;
  while (next != nullptr) {
    verifier_.Update(next->bytes.data(), next->bytes.size());
    const uint64_t position = verifier_.position();
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto after = ready_.find(position);
    next = after != ready_.end()                          ? after->second
           : last_ != nullptr && last_->begin == position ? last_
                                                          : nullptr;
  }
}

void Stream::OnVerdict(const Status& verdict) {
  if (!verdict.ok()) return Fail(verdict);
  PublishLast();
}

// A chunk that was hashed, dropped and read again cannot be hashed again, so it is compared with
// its own CRC.
bool Stream::IsAsBefore(const Chunk& chunk) {
  const auto dropped = dropped_.find(chunk.begin);
  if (dropped == dropped_.end()) return true;
  const bool same = dropped->second == CrcOf(chunk.bytes);
  dropped_.erase(dropped);
  if (same) return true;
  client_->stats->integrity_failures.fetch_add(1, std::memory_order_relaxed);
  failure_on_loop_ = Status(StatusCode::kIntegrity, "bytes that were read a second time differ");
  return false;
}

void Stream::Publish(std::shared_ptr<Chunk> chunk) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (seeks_planned_ > 0) return;
    progress_ms_ = client_->now_ms();
    attempts_ = fetch_->attempts();
    if (chunk->end() > wanted_ && !parked_) ready_.emplace(chunk->begin, std::move(chunk));
  }
  arrived_.notify_one();
  ReportFirst(Status::Ok());
}

void Stream::PublishLast() {
  if (last_ != nullptr) return Publish(std::exchange(last_, nullptr));
  ReportFirst(Status::Ok());  // the object is empty
}

void Stream::OnFetched(const Status& status) {
  if (!failure_on_loop_.ok()) return Fail(failure_on_loop_);
  if (!status.ok()) return Fail(status);
  if (!FinishLast()) return Fail(failure_on_loop_);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (seeks_planned_ > 0) return;
    size_ = pin_.size;
  }
  arrived_.notify_one();
  verifier_.Conclude(nullptr);
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
  verifier_.set_deadline_ms(-1);
  const auto report = std::exchange(on_first_, nullptr);
  report(status);
}

void Stream::SeekOnLoop(uint64_t position) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    --seeks_planned_;
  }
  fetch_.reset();
  filling_.clear();
  last_.reset();
  dropped_.clear();
  failure_on_loop_ = Status::Ok();
  verifier_.Restart(kToTheEnd);  // only a read from the first byte to the last can be compared
  Fetch(position);
}

// ---------------------------------------------------------------------------------------------------
// Memory

void Stream::OnRoom() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!std::exchange(paused_, false)) return;
  }
  if (fetch_ != nullptr) fetch_->Resume();
}

uint64_t Stream::HeldFrom() const {
  if (current_ != nullptr) return current_->begin;
  return ready_.empty() ? wanted_ : std::min(wanted_, ready_.begin()->first);
}

uint64_t Stream::HeldBytes() const {
  uint64_t bytes = current_ != nullptr ? current_->bytes.size() : 0;
  for (const auto& [begin, chunk] : ready_) bytes += chunk->bytes.size();
  return bytes + (filling_.size() + (last_ != nullptr ? 1 : 0)) * kChunkBytes;
}

bool Stream::IsAwaited() const {
  return waiting_since_ms_.has_value() && MonotonicMs() - last_take_ms_ < kMaxWaitMs;
}

// Without a version, bytes that are read again may not belong to those that the reader has.
bool Stream::CanRewind() const {
  return !version_.empty() || (current_ == nullptr && wanted_ == 0);
}

std::optional<int64_t> Stream::IdleSinceMs() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const bool busy = on_first_ != nullptr || verifier_.is_asking() || seeks_planned_ > 0 ||
                    !failure_.ok() || closed_ || IsAwaited();
  const uint64_t needed = CanRewind() ? 0 : HeldBytes();
  if (busy || room_.bytes() <= needed) return std::nullopt;
  return last_take_ms_;
}

void Stream::GiveBack() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    allowance_ = std::min(allowance_, kChunkBytes);
    if (!CanRewind()) return room_.Shrink(HeldBytes());
    wanted_ = fetching_from_ = HeldFrom();
    if (wanted_ == 0) {  // everything is read and compared again
      verifier_.Restart(0);
      dropped_.clear();
    }
    for (std::shared_ptr<Chunk>* chunk : {&current_, &last_}) {
      if (*chunk != nullptr) ready_.emplace((*chunk)->begin, *chunk);
      chunk->reset();
    }
    for (const auto& [begin, chunk] : ready_) {
      const uint64_t hashed = verifier_.position();
      if (hashed != kToTheEnd && chunk->end() <= hashed) dropped_[begin] = CrcOf(chunk->bytes);
    }
    ready_.clear();
    paused_ = false;
    parked_ = true;
    room_.Shrink(0);
  }
  fetch_.reset();
  filling_.clear();
}

// ---------------------------------------------------------------------------------------------------
// The reader's side

std::optional<uint64_t> Stream::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (size_ < 0) return std::nullopt;
  return static_cast<uint64_t>(size_);
}

std::string Stream::version() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return version_;
}

int Stream::attempts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return attempts_;
}

bool Stream::EndsAt(uint64_t position) const {
  return size_ >= 0 && position >= static_cast<uint64_t>(size_);
}

// The chunk that holds this byte; null if it is not there.
const std::shared_ptr<Chunk>* Stream::FindReady(uint64_t position) const {
  const auto after = ready_.upper_bound(position);
  if (after == ready_.begin() || std::prev(after)->second->end() <= position) return nullptr;
  return &std::prev(after)->second;
}

// Makes this byte the next one to come: by waiting for it, or by a new fetch.
void Stream::GoTo(uint64_t position) {
  const bool one_reply = version_.empty() || size_ < 0;  // even if there may be no such byte
  const bool will_come = position >= fetching_from_ && position >= wanted_ &&
                         (one_reply || position < wanted_ + options_.allowance);
  const bool skips = position > wanted_;
  wanted_ = position;
  if (will_come) {
    while (!ready_.empty() && ready_.begin()->second->end() <= position) {
      ready_.erase(ready_.begin());
    }
    if (skips) Unpause();
  } else {
    ready_.clear();
    failure_ = Status::Ok();
    fetching_from_ = position;
    paused_ = false;
    ++seeks_planned_;
    progress_ms_ = client_->now_ms();
    client_->loop->Post([self = shared_from_this(), position] { self->SeekOnLoop(position); });
  }
  if (!std::exchange(parked_, false) || !will_come) return;
  progress_ms_ = client_->now_ms();
  client_->loop->Post([self = shared_from_this(), from = fetching_from_] { self->Fetch(from); });
}

Stream::Outcome Stream::Take(uint64_t position, int64_t max_wait_ms, std::shared_ptr<Chunk>* chunk,
                             Status* failure) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (closed_) {
    *failure = Status(StatusCode::kCancelled, "the stream is closed");
    return Outcome::kFailed;
  }
  last_take_ms_ = MonotonicMs();
  waiting_since_ms_ = waiting_since_ms_.value_or(last_take_ms_);
  current_.reset();
  if (EndsAt(position)) return End(Outcome::kEnd);
  GoTo(position);
  if (FindReady(position) == nullptr && failure_.ok()) {
    Unpause();  // it may be paused for lack of memory; now the reader waits for it
    arrived_.wait_for(lock, std::chrono::milliseconds(max_wait_ms), [&] {
      return closed_ || !failure_.ok() || FindReady(position) != nullptr || EndsAt(position);
    });
  }
  last_take_ms_ = MonotonicMs();
  const std::shared_ptr<Chunk>* const found = FindReady(position);
  if (found == nullptr) {
    if (EndsAt(position)) return End(Outcome::kEnd);
    const int64_t waited_ms = client_->now_ms() - progress_ms_;
    const bool overdue = options_.timeout_ms >= 0 && waited_ms >= options_.timeout_ms;
    if (failure_.ok() && !overdue) return Outcome::kNotYet;
    *failure = !failure_.ok() ? failure_
                              : Status(StatusCode::kTimeout,
                                       "no progress for " + std::to_string(waited_ms) + " ms");
    return End(Outcome::kFailed);
  }
  *chunk = current_ = *found;
  ready_.erase(ready_.begin(), ready_.upper_bound(position));
  wanted_ = current_->end();
  ShrinkRoom();
  Unpause();
  return End(Outcome::kChunk);
}

// The reader does not wait any more.
Stream::Outcome Stream::End(Outcome outcome) {
  waiting_since_ms_.reset();
  return outcome;
}

// Shrinks the reservation to what is left of the object.
void Stream::ShrinkRoom() {
  if (size_ >= 0) room_.Shrink(static_cast<uint64_t>(size_) - HeldFrom());
}

void Stream::Unpause() {
  if (!paused_) return;
  paused_ = false;
  progress_ms_ = client_->now_ms();  // it was the reader who made no progress
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
    current_.reset();
    room_.Shrink(0);
  }
  client_->loop->Post([self = shared_from_this()] {
    self->account_->budget()->Remove(self.get());
    self->fetch_.reset();
    self->verifier_.Restart(kToTheEnd);
    self->filling_.clear();
    self->last_.reset();
  });
}

}  // namespace objectpipes
