#include "engine/read_window.h"

#include <algorithm>
#include <string>
#include <utility>

namespace objectpipes {
namespace {

constexpr size_t kMinCapacity = 64;        // requests read ahead, at least
constexpr size_t kCapacityPerRequest = 4;  // and this many for each one in flight
constexpr size_t kBatch = 32;              // the smallest, or half of the capacity if less
// With a budget below this, nothing is read ahead beyond the concurrent reads.
constexpr int64_t kMinPrefetchBytes = int64_t{1} << 20;
constexpr size_t kMaxAside = 100'000;  // requests read ahead beyond those that wait aside
constexpr int64_t kCheckMs = 100;
// A read that has waited for room for so long lets another have its connection.
constexpr int64_t kMaxRoomWaitMs = 500;
constexpr int kInitialLimit = 8;
constexpr int64_t kInitialSize = int64_t{64} << 10;
// An object larger than the budget divided by this is streamed.
constexpr uint64_t kMaxWholePart = 4;

}  // namespace

std::shared_ptr<ReadWindow> ReadWindow::Open(std::shared_ptr<Client> client,
                                             const std::shared_ptr<MemoryBudget>& budget,
                                             const Options& options) {
  EventLoop* const loop = client->loop;
  return std::shared_ptr<ReadWindow>(
      new ReadWindow(std::move(client), budget->Open(options.prefetch_bytes), options),
      DeferredDelete(loop));
}

ReadWindow::ReadWindow(std::shared_ptr<Client> client, std::shared_ptr<MemoryAccount> account,
                       const Options& options)
    : client_(std::move(client)),
      account_(std::move(account)),
      options_(options),
      results_(options.ordered),
      check_timer_(client_->loop),
      pump_timer_(client_->loop),
      notify_timer_(client_->loop),
      typical_size_(kInitialSize),
      limit_(options.concurrency > 0 ? options.concurrency : kInitialLimit) {}

ReadWindow::~ReadWindow() { account_->budget()->Remove(this); }

// ---------------------------------------------------------------------------------------------------
// The consumer's side

size_t ReadWindow::Room() const {
  const auto limit = static_cast<size_t>(limit_.load());
  const bool reads_ahead = options_.prefetch_bytes >=
                           static_cast<uint64_t>(std::max(kMinPrefetchBytes, typical_size_.load()));
  size_t capacity = reads_ahead ? std::max(kMinCapacity, kCapacityPerRequest * limit) : limit;
  // In order, no result comes out after a read that waits aside, so reading further is of no use.
  if (!options_.ordered) capacity += std::min(aside_.size(), kMaxAside);
  const size_t room = capacity - std::min(capacity, outstanding());
  return room >= std::min(kBatch, capacity / 2) || under_way() == 0 ? room : 0;
}

void ReadWindow::Submit(std::vector<ReadRequest> requests) {
  if (requests.empty()) return;
  const uint64_t first = results_.Expect(requests.size());
  client_->loop->Post([self = shared_from_this(), first, moved = std::move(requests)]() mutable {
    self->Accept(std::move(moved), first);
  });
}

bool ReadWindow::Take(size_t max_count, int64_t max_wait_ms, std::vector<ReadResult>* results) {
  const size_t before = results->size();
  const uint64_t max_bytes = options_.prefetch_bytes / 16;
  if (!results_.Take(max_count, max_bytes, 0, results)) {
    if (max_wait_ms <= 0) return false;
    results_.Await();
    if (needs_room_) client_->loop->Post([self = shared_from_this()] { self->Pump(); });
    if (!results_.Take(max_count, max_bytes, max_wait_ms, results)) return false;
  }
  for (size_t i = before; i < results->size(); ++i) (*results)[i].room.Shrink(0);
  return true;
}

void ReadWindow::Close() {
  if (closed_.exchange(true)) return;
  results_.Close();
  client_->loop->Post([self = shared_from_this()] { self->CancelAll(); });
}

// ---------------------------------------------------------------------------------------------------
// From request to result

void ReadWindow::Accept(std::vector<ReadRequest> requests, uint64_t first_sequence) {
  for (ReadRequest& request : requests) {
    const uint64_t sequence = first_sequence++;
    if (!request.object.ok()) {
      ReadResult failed;
      failed.status = request.object.status();
      Finish(sequence, std::move(failed));
      continue;
    }
    auto slot = std::make_unique<ReadSlot>();
    slot->sequence = sequence;
    slot->object = std::move(request.object).value();
    slot->size = request.size;
    slot->begin = request.begin;
    slot->end = request.end;
    pending_.push_back(std::move(slot));
  }
  Pump();
}

void ReadWindow::Pump() {
  needs_room_ = false;
  AdmitWaiting();
  limit_ = client_->concurrency.Limit(options_.concurrency);
  while (!pending_.empty()) {
    ReadSlot* slot = pending_.front().get();
    // All reads in flight may wait for memory, and the limit may have fallen below their number.
    const bool may_start = active_.size() < static_cast<size_t>(limit_.load());
    if (!may_start && !ConsumerNeeds(*slot)) return;
    if (client_->transport->FindOutage(slot->object) != nullptr) {
      PutAside(std::move(pending_.front()));
      pending_.pop_front();
      continue;
    }
    if (!ReserveFor(slot)) return;
    active_.emplace(slot->sequence, std::move(pending_.front()));
    pending_.pop_front();
    Start(slot);
  }
}

void ReadWindow::Start(ReadSlot* slot) {
  EndWait(slot);
  SetDeadline(slot);
  if (IsStreamed(*slot)) {
    StartStream(slot);
  } else {
    StartWhole(slot);
  }
  ScheduleCheck();
}

void ReadWindow::StartWhole(ReadSlot* slot) {
  WholeRead::Options options;
  options.verify = options_.verify;
  options.max_parts = client_->split ? std::min(SplitFetch::kMaxParts, limit_.load()) : 1;
  options.deadline_ms = slot->deadline_ms;
  options.begin = slot->begin;
  options.end = slot->end;
  options.seen = slot->seen;
  slot->whole =
      std::make_unique<WholeRead>(client_.get(), &slot->object, slot->sequence, options, this);
  slot->whole->Start();
}

void ReadWindow::StartStream(ReadSlot* slot) {
  Stream::Options options;
  options.verify = options_.verify;
  options.max_parts = client_->split ? SplitFetch::kMaxParts : 1;
  if (options_.concurrency > 0) {
    options.max_parts = std::min(options.max_parts, options_.concurrency);
  }
  options.allowance = StreamAllowance(Stream::kAllowance);
  options.max_allowance = StreamAllowance(Stream::kMaxAllowance);
  options.deadline_ms = slot->deadline_ms;
  options.timeout_ms = options_.timeout_ms;
  options.seen = slot->seen;
  auto on_first = [weak = weak_from_this(), sequence = slot->sequence](const Status& status) {
    if (const auto self = weak.lock()) self->OnStreamReady(sequence, status);
  };
  slot->stream = std::shared_ptr<Stream>(new Stream(client_, slot->object, options, account_,
                                                    std::move(slot->room), std::move(on_first)),
                                         DeferredDelete(client_->loop));
  slot->stream->Start();
}

Flow ReadWindow::OnSize(WholeRead* read, int64_t size) {
  ReadSlot* slot = active_.find(read->id())->second.get();
  if (size < 0) return Flow::kContinue;
  slot->size = size;
  if (!IsStreamed(*slot)) return AdmitOrWait(slot);
  BeginAgainSoon(slot);  // as a stream
  return Flow::kStop;
}

Flow ReadWindow::OnGrowth(WholeRead* read, uint64_t bytes) {
  ReadSlot* slot = active_.find(read->id())->second.get();
  slot->grown = std::max(slot->grown, bytes);  // not less than it began again with
  slot->streamed = !slot->ranged() && TooLarge(bytes);
  if (!slot->streamed && ReserveFor(slot)) return Flow::kContinue;
  // So that other reads reserve as much before they begin, and do not begin in vain.
  typical_size_ = std::max(typical_size_.load(), static_cast<int64_t>(slot->grown));
  BeginAgainSoon(slot);
  return Flow::kPause;
}

// We are inside one of the read's handlers.
void ReadWindow::BeginAgainSoon(ReadSlot* slot) {
  client_->loop->PostAfter(0, [weak = weak_from_this(), sequence = slot->sequence] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    const auto found = self->active_.find(sequence);
    if (found == self->active_.end() || found->second->whole == nullptr) return;
    self->BeginAgain(found);
    self->Pump();
  });
}

// Reads that wait for memory hold none. Otherwise all might wait for what the others have.
ReadWindow::Active::iterator ReadWindow::BeginAgain(Active::iterator place) {
  ReadSlot* const slot = place->second.get();
  EndWait(slot);
  slot->EndWhole();
  slot->room.Shrink(0);
  PutBack(std::move(place->second));
  return active_.erase(place);
}

void ReadWindow::OnRead(WholeRead* read, const Status& status) {
  ReadSlot* slot = active_.find(read->id())->second.get();
  ReadResult result;
  result.status = status;
  result.attempts = read->attempts();
  if (status.ok()) {
    result.buffer = read->TakeBuffer();
    result.version = read->version();
    const auto size = static_cast<int64_t>(result.buffer.size());
    typical_size_ = typical_size_ + (size - typical_size_) / 16;
    slot->room.Shrink(result.buffer.capacity());
    result.room = std::move(slot->room);
    client_->stats->bytes.fetch_add(result.buffer.size(), std::memory_order_relaxed);
  }
  Finish(slot->sequence, std::move(result));
  Pump();
}

void ReadWindow::OnStreamReady(uint64_t sequence, const Status& status) {
  const auto found = active_.find(sequence);
  if (found == active_.end()) return;
  ReadResult result;
  result.status = status;
  result.attempts = found->second->stream->attempts();
  if (status.ok()) {
    const std::shared_ptr<Stream>& stream = found->second->stream;
    result.stream = ForkLeaked<Stream>(stream);
    result.version = stream->version();
    client_->stats->bytes.fetch_add(stream->size().value_or(0), std::memory_order_relaxed);
  } else {
    found->second->stream->Close();
  }
  Finish(sequence, std::move(result));
  pump_timer_.Set(0, [this] { Pump(); });  // we are inside one of the stream's handlers
}

void ReadWindow::Finish(uint64_t sequence, ReadResult result) {
  active_.erase(sequence);
  result.sequence = sequence;
  if (result.status.ok()) client_->stats->objects.fetch_add(1, std::memory_order_relaxed);
  const bool awaited = results_.Put(std::move(result));
  // One wake-up for everything that arrives in this turn.
  if (awaited && !notify_timer_.is_set()) notify_timer_.Set(0, [this] { results_.Notify(); });
}

// ---------------------------------------------------------------------------------------------------
// Waiting for memory, or for a node

void ReadWindow::AdmitWaiting() {
  for (auto& [sequence, slot] : active_) {
    if (!slot->lacks_room()) continue;
    if (!ReserveFor(slot.get())) return;
    EndWait(slot.get());
    slot->whole->Admit(slot->deadline_ms);
  }
}

Flow ReadWindow::AdmitOrWait(ReadSlot* slot) {
  if (ReserveFor(slot)) {
    EndWait(slot);
    return Flow::kContinue;
  }
  slot->room.Shrink(0);
  if (!slot->lacks_room()) slot->no_room_since_ms = client_->now_ms();
  return Flow::kPause;
}

// The read was waiting for the consumer, not the server.
void ReadWindow::EndWait(ReadSlot* slot) const {
  if (!slot->lacks_room()) return;
  if (slot->deadline_ms >= 0) slot->deadline_ms += client_->now_ms() - slot->no_room_since_ms;
  slot->no_room_since_ms = -1;
}

// Keeps the order of the pending reads: one without memory in front of the read that the consumer
// needs would keep that from starting.
void ReadWindow::PutBack(std::unique_ptr<ReadSlot> slot) {
  slot->no_room_since_ms = client_->now_ms();
  const auto place = std::lower_bound(
      pending_.begin(), pending_.end(), slot->sequence,
      [](const auto& waiting, uint64_t sequence) { return waiting->sequence < sequence; });
  pending_.insert(place, std::move(slot));
}

// Where all connections are those of reads that wait for memory, what would make room for them
// waits for a connection. Now that their sizes are known, they are asked for again in time.
void ReadWindow::GiveBackConnections() {
  if (!client_->transport->lacks_connections()) return;
  account_->budget()->ReclaimUnused();
  const int64_t latest_ms = client_->now_ms() - kMaxRoomWaitMs;
  for (auto it = active_.begin(); it != active_.end();) {
    const ReadSlot& slot = *it->second;
    if (!slot.lacks_room() || slot.no_room_since_ms > latest_ms) {
      ++it;
      continue;
    }
    it = BeginAgain(it);
  }
}

void ReadWindow::PutAside(std::unique_ptr<ReadSlot> slot) {
  EndWait(slot.get());
  SetDeadline(slot.get());
  slot->EndWhole();
  if (slot->stream != nullptr) slot->stream->Close();
  slot->stream.reset();
  slot->room.Shrink(0);
  aside_.Put(std::move(slot));
  ScheduleCheck();
}

// Sets reads aside that wait for a node which was found to be down.
void ReadWindow::PutAsideHopeless() {
  for (auto it = active_.begin(); it != active_.end();) {
    const ReadSlot& slot = *it->second;
    if (slot.lacks_room() || client_->transport->FindOutage(slot.object) == nullptr) {
      ++it;
      continue;
    }
    PutAside(std::move(it->second));
    it = active_.erase(it);
  }
}

void ReadWindow::TakeUpWaiting() {
  for (auto& [slot, status] : aside_.TakeEnded(client_->transport.get(), client_->now_ms())) {
    if (status.ok()) {
      PutBack(std::move(slot));
      continue;
    }
    ReadResult result;
    result.status = std::move(status);
    Finish(slot->sequence, std::move(result));
  }
}

// ---------------------------------------------------------------------------------------------------
// Memory

bool ReadWindow::TooLarge(uint64_t size) const {
  return size > options_.prefetch_bytes / kMaxWholePart;
}

bool ReadWindow::IsStreamed(const ReadSlot& slot) const {
  const bool large = slot.size >= 0 && TooLarge(static_cast<uint64_t>(slot.size));
  return slot.streamed || (large && !slot.ranged());
}

// No stream may take more than half of the budget ahead.
uint64_t ReadWindow::StreamAllowance(uint64_t max) const {
  return std::clamp(options_.prefetch_bytes / 2, Stream::kChunkBytes, max);
}

uint64_t ReadWindow::BytesFor(const ReadSlot& slot) const {
  if (IsStreamed(slot)) return StreamAllowance(Stream::kAllowance);
  const uint64_t size = slot.size >= 0
                            ? static_cast<uint64_t>(slot.size)
                            : std::max(static_cast<uint64_t>(typical_size_.load()), slot.grown);
  return std::max<uint64_t>(size, BufferPool::CapacityFor(static_cast<size_t>(size)));
}

// Whether the consumer gets no result until this slot gets its memory.
bool ReadWindow::ConsumerNeeds(const ReadSlot& slot) const {
  if (!results_.IsNext(slot.sequence)) return false;
  if (options_.ordered) return true;
  return std::all_of(active_.begin(), active_.end(), [&slot](const auto& active) {
    return active.second.get() == &slot || active.second->lacks_room();
  });
}

std::optional<int64_t> ReadWindow::AwaitedSinceMs(const ReadSlot& slot) const {
  const std::optional<int64_t> since_ms = results_.waiting_since_ms();
  return since_ms.has_value() && ConsumerNeeds(slot) ? since_ms : std::nullopt;
}

// The read that the consumer waits for always gets its memory. Otherwise results that are not taken
// yet could block the one that is wanted.
bool ReadWindow::ReserveFor(ReadSlot* slot) {
  if (TryReserveFor(slot, AwaitedSinceMs(*slot))) return true;
  needs_room_ = true;  // set first: a consumer that begins to wait from now on makes us ask again
  const std::optional<int64_t> awaited_since_ms = AwaitedSinceMs(*slot);
  return awaited_since_ms.has_value() && TryReserveFor(slot, awaited_since_ms);
}

// A stream may begin with little memory.
bool ReadWindow::TryReserveFor(ReadSlot* slot, std::optional<int64_t> awaited_since_ms) {
  const uint64_t bytes = BytesFor(*slot);
  if (!IsStreamed(*slot)) return account_->Reserve(bytes, awaited_since_ms, this, &slot->room);
  if (account_->Reserve(bytes, std::nullopt, this, &slot->room)) return true;
  return awaited_since_ms.has_value() &&
         account_->Reserve(Stream::kChunkBytes, awaited_since_ms, this, &slot->room);
}

// ---------------------------------------------------------------------------------------------------
// Time

// The time in which a read waits aside counts.
void ReadWindow::SetDeadline(ReadSlot* slot) const {
  if (options_.timeout_ms < 0 || slot->deadline_ms >= 0) return;
  slot->deadline_ms = client_->now_ms() + options_.timeout_ms;
}

void ReadWindow::ScheduleCheck() {
  if (!check_timer_.is_set()) check_timer_.Set(kCheckMs, [this] { Check(); });
}

void ReadWindow::Check() {
  EndOverdue();
  GiveBackConnections();
  PutAsideHopeless();
  TakeUpWaiting();
  if (!active_.empty() || !aside_.empty()) ScheduleCheck();
  Pump();
}

void ReadWindow::EndOverdue() {
  if (options_.timeout_ms < 0) return;
  const int64_t now_ms = client_->now_ms();
  std::vector<uint64_t> overdue;
  for (const auto& [sequence, slot] : active_) {
    if (!slot->lacks_room() && slot->deadline_ms < now_ms) overdue.push_back(sequence);
  }
  for (const uint64_t sequence : overdue) {
    const ReadSlot& slot = *active_[sequence];
    Status status(StatusCode::kTimeout,
                  "not read within " + std::to_string(options_.timeout_ms) + " ms");
    if (slot.stream != nullptr) {
      const std::shared_ptr<Stream> stream = slot.stream;
      stream->Fail(status);  // OnStreamReady follows
      continue;
    }
    status.mutable_detail().attempts = slot.whole->attempts();
    ReadResult result;
    result.status = std::move(status);
    Finish(sequence, std::move(result));
  }
}

void ReadWindow::CancelAll() {
  account_->Close();
  account_->budget()->Remove(this);
  pending_.clear();
  for (auto& [sequence, slot] : active_) {
    if (slot->stream != nullptr) slot->stream->Close();
  }
  active_.clear();
  aside_.Clear();
  check_timer_.Cancel();
}

}  // namespace objectpipes
