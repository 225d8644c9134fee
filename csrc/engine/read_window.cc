#include "engine/read_window.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"

namespace objectpipes {
namespace {

constexpr size_t kLeastCapacity = 64;      // requests read ahead, at least
constexpr size_t kCapacityPerRequest = 4;  // and this many for each one under way
// Lets several connections help a stream, where it is no more than half of the budget.
constexpr uint64_t kSplitAllowance = uint64_t{16} << 20;
constexpr uint64_t kMostAllowance = uint64_t{64} << 20;
constexpr int kMostParts = 16;          // connections for one object
constexpr size_t kMostAside = 100'000;  // requests read ahead beyond those that wait aside
constexpr int64_t kCheckMs = 100;
constexpr int64_t kAsideCheckMs = 1000;
constexpr int kInitialLimit = 8;
// An object of more than this part of the budget is streamed.
constexpr uint64_t kLargestWhole = 4;
constexpr int64_t kKeepMemoryMs = 10'000;  // after the last window, for the next epoch

}  // namespace

// One request on its way.
struct ReadWindow::Slot {
  uint64_t sequence = 0;
  ObjectId object;
  int64_t size = -1;
  uint64_t begin = 0;
  uint64_t end = kToTheEnd;
  uint64_t grown = 0;  // bytes that an object of unknown size needs so far
  uint64_t reserved = 0;
  int64_t deadline_ms = -1;
  int64_t paused_ms = -1;  // since when it waits for room, having begun before; -1: it does not
  std::unique_ptr<WholeRead> whole;
  std::shared_ptr<Stream> stream;
};

std::shared_ptr<ReadWindow> ReadWindow::Open(std::shared_ptr<Client> client,
                                             std::shared_ptr<MemoryBudget> budget,
                                             const Options& options) {
  budget->Open(options.prefetch_bytes);
  client->pool->SetBudget(static_cast<size_t>(budget->Total()));
  EventLoop* const loop = client->loop;
  return OwnedByLoop(loop, new ReadWindow(std::move(client), std::move(budget), options));
}

ReadWindow::ReadWindow(std::shared_ptr<Client> client, std::shared_ptr<MemoryBudget> budget,
                       const Options& options)
    : client_(std::move(client)),
      budget_(std::move(budget)),
      options_(options),
      limit_(options.concurrency > 0 ? options.concurrency : kInitialLimit) {}

ReadWindow::~ReadWindow() = default;

// ---------------------------------------------------------------------------------------------------
// The consumer's side

size_t ReadWindow::Room() const {
  size_t capacity =
      std::max(kLeastCapacity, kCapacityPerRequest * static_cast<size_t>(limit_.load()));
  // In order, nothing comes out behind one that waits aside: then reading further is of no use.
  if (!options_.ordered) capacity += std::min(aside_count_.load(), kMostAside);
  const size_t used = outstanding();
  return used < capacity ? capacity - used : 0;
}

size_t ReadWindow::outstanding() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<size_t>(submitted_ - taken_);
}

void ReadWindow::Submit(std::vector<ReadRequest> requests) {
  if (requests.empty()) return;
  uint64_t first = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    first = submitted_;
    submitted_ += requests.size();
    if (options_.ordered) results_.resize(results_.size() + requests.size());
  }
  client_->loop->Post([self = shared_from_this(), first, moved = std::move(requests)]() mutable {
    self->Accept(std::move(moved), first);
  });
}

bool ReadWindow::AnythingToTake() const {
  return !results_.empty() && results_.front().has_value();
}

bool ReadWindow::Take(size_t most, int64_t max_wait_ms, std::vector<ReadResult>* results) {
  uint64_t released = 0;
  {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!AnythingToTake()) {
      waiting_ = true;
      arrived_.wait_for(lock, std::chrono::milliseconds(max_wait_ms),
                        [this] { return AnythingToTake(); });
      waiting_ = false;
      if (!AnythingToTake()) return false;
    }
    const uint64_t most_bytes = options_.prefetch_bytes / 16;
    while (most-- > 0 && AnythingToTake()) {
      const uint64_t reserved = results_.front()->reserved;
      if (released > 0 && released + reserved > most_bytes) break;
      released += reserved;
      results->push_back(*std::move(results_.front()));
      results_.pop_front();
      ++taken_;
    }
    head_ = taken_;
  }
  Release(released);
  return true;
}

void ReadWindow::Release(uint64_t bytes) {
  held_ -= bytes;
  PumpSoonIfBlocked();
}

void ReadWindow::PumpSoonIfBlocked() {
  if (!blocked_.exchange(false)) return;
  client_->loop->Post([self = shared_from_this()] { self->Pump(); });
}

void ReadWindow::Close() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed_) return;
    closed_ = true;
    results_.clear();
  }
  client_->loop->Post([self = shared_from_this()] { self->CancelAll(); });
}

// ---------------------------------------------------------------------------------------------------
// The I/O thread's side

void ReadWindow::Accept(std::vector<ReadRequest> requests, uint64_t first_sequence) {
  for (ReadRequest& request : requests) {
    const uint64_t sequence = first_sequence++;
    if (!request.object.ok()) {
      ReadResult failed;
      failed.status = request.object.status();
      Finish(sequence, std::move(failed));
      continue;
    }
    auto slot = std::make_unique<Slot>();
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
  AdmitPaused();
  limit_ = client_->concurrency.Limit(options_.concurrency);
  while (!pending_.empty()) {
    Slot* slot = pending_.front().get();
    // Those under way may all wait for room, and the limit may have fallen below their number.
    const bool may_start = active_.size() < static_cast<size_t>(limit_.load());
    if (!may_start && !ConsumerNeeds(*slot)) return;
    if (client_->transport->FindOutage(slot->object) != nullptr) {
      PutAside(std::move(pending_.front()));
      pending_.pop_front();
      continue;
    }
    if (!ReserveFor(slot, BytesFor(*slot))) return;
    active_.emplace(slot->sequence, std::move(pending_.front()));
    pending_.pop_front();
    Start(slot);
  }
}

void ReadWindow::AdmitPaused() {
  for (auto& [sequence, slot] : active_) {
    if (slot->paused_ms < 0) continue;
    if (!ReserveFor(slot.get(), BytesFor(*slot))) return;
    EndPause(slot.get());
    slot->whole->Admit(slot->deadline_ms);
  }
}

Flow ReadWindow::AdmitOrPause(Slot* slot) {
  const bool room = ReserveFor(slot, BytesFor(*slot));
  if (room) EndPause(slot);
  if (!room && slot->paused_ms < 0) slot->paused_ms = client_->loop->now_ms();
  return room ? Flow::kContinue : Flow::kPause;
}

// It was waiting for the consumer, not the server.
void ReadWindow::EndPause(Slot* slot) const {
  if (slot->paused_ms < 0) return;
  if (slot->deadline_ms >= 0) slot->deadline_ms += client_->loop->now_ms() - slot->paused_ms;
  slot->paused_ms = -1;
}

// In its place among those that wait: in front of the one the consumer needs, another that gets no
// room would keep it from starting.
void ReadWindow::PutBack(std::unique_ptr<Slot> slot) {
  slot->paused_ms = client_->loop->now_ms();
  const auto place = std::lower_bound(
      pending_.begin(), pending_.end(), slot->sequence,
      [](const auto& waiting, uint64_t sequence) { return waiting->sequence < sequence; });
  pending_.insert(place, std::move(slot));
}

bool ReadWindow::TooLarge(const Slot& slot, int64_t size) const {
  const bool ranged = slot.begin != 0 || slot.end != kToTheEnd;
  return !ranged && size > static_cast<int64_t>(options_.prefetch_bytes / kLargestWhole);
}

uint64_t ReadWindow::BytesFor(const Slot& slot) const {
  if (slot.size < 0) return std::max(static_cast<uint64_t>(typical_size_), slot.grown);
  if (!TooLarge(slot, slot.size)) return static_cast<uint64_t>(slot.size);
  const uint64_t least =
      std::clamp(options_.prefetch_bytes / 2, Stream::kChunkBytes, kSplitAllowance);
  return std::clamp(options_.prefetch_bytes / 8, least, kMostAllowance);
}

// Whether the consumer gets nothing more unless this slot gets its bytes.
bool ReadWindow::ConsumerNeeds(const Slot& slot) const {
  if (options_.ordered) return slot.sequence == head_;
  for (const auto& [sequence, other] : active_) {
    if (other.get() != &slot && other->paused_ms < 0) return false;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  return results_.empty();
}

// Makes the slot hold this many bytes. What the consumer waits for always gets them: otherwise
// results that nobody takes yet could keep the one that is wanted from being read.
bool ReadWindow::ReserveFor(Slot* slot, uint64_t bytes) {
  if (bytes > slot->reserved) {
    const uint64_t more = bytes - slot->reserved;
    const auto may_hold = [&] {
      return held_ + more <= budget_->Share(options_.prefetch_bytes) || ConsumerNeeds(*slot);
    };
    if (!may_hold()) {
      blocked_ = true;  // first: a release from now on makes us look again
      if (!may_hold()) return false;
      blocked_ = false;
    }
  }
  Hold(slot, bytes);
  return true;
}

void ReadWindow::Hold(Slot* slot, uint64_t bytes) {
  held_ += bytes - slot->reserved;  // also downwards, modulo 2^64
  slot->reserved = bytes;
}

void ReadWindow::Start(Slot* slot) {
  EndPause(slot);
  SetDeadline(slot);
  if (TooLarge(*slot, slot->size)) {
    StartStream(slot);
  } else {
    StartWhole(slot);
  }
  ScheduleCheck();
}

void ReadWindow::StartWhole(Slot* slot) {
  WholeRead::Options options;
  options.verify = options_.verify;
  options.most_parts = client_->split ? std::min(kMostParts, limit_.load()) : 1;
  options.deadline_ms = slot->deadline_ms;
  options.begin = slot->begin;
  options.end = slot->end;
  slot->whole =
      std::make_unique<WholeRead>(client_.get(), &slot->object, slot->sequence, options, this);
  slot->whole->Start();
}

void ReadWindow::StartStream(Slot* slot) {
  Stream::Options options;
  options.verify = options_.verify;
  options.most_parts = client_->split ? std::min(kMostParts, limit_.load()) : 1;
  options.allowance = slot->reserved;
  options.deadline_ms = slot->deadline_ms;
  options.timeout_ms = options_.timeout_ms;
  const std::weak_ptr<ReadWindow> weak = weak_from_this();
  auto on_first = [weak, sequence = slot->sequence](const Status& status) {
    if (const auto self = weak.lock()) self->OnStreamReady(sequence, status);
  };
  auto on_close = [weak, reserved = slot->reserved] {
    if (const auto self = weak.lock()) self->Release(reserved);
  };
  slot->stream = OwnedByLoop(client_->loop, new Stream(client_, slot->object, options,
                                                       std::move(on_first), std::move(on_close)));
  slot->stream->Start();
}

Flow ReadWindow::OnSize(WholeRead* read, int64_t size) {
  Slot* slot = active_.find(read->id())->second.get();
  if (size < 0) return Flow::kContinue;
  slot->size = size;
  if (TooLarge(*slot, size)) {
    client_->loop->After(0, [weak = weak_from_this(), sequence = slot->sequence] {
      if (const auto self = weak.lock()) self->TurnIntoStream(sequence);
    });
    return Flow::kStop;
  }
  return AdmitOrPause(slot);
}

Flow ReadWindow::OnGrowth(WholeRead* read, uint64_t bytes) {
  Slot* slot = active_.find(read->id())->second.get();
  slot->grown = bytes;
  return AdmitOrPause(slot);
}

// An object whose size was not known turned out too large for one buffer: begin again, as a stream.
void ReadWindow::TurnIntoStream(uint64_t sequence) {
  const auto found = active_.find(sequence);
  if (found == active_.end() || found->second->whole == nullptr) return;
  found->second->whole.reset();
  PutBack(std::move(found->second));
  active_.erase(found);
  Pump();
}

void ReadWindow::OnRead(WholeRead* read, const Status& status) {
  Slot* slot = active_.find(read->id())->second.get();
  ReadResult result;
  result.status = status;
  result.attempts = read->attempts();
  if (status.ok()) {
    result.buffer = read->TakeBuffer();
    result.version = read->version();
    typical_size_ += (static_cast<double>(result.buffer.size()) - typical_size_) / 16;
    Hold(slot, result.buffer.size());
    client_->stats->bytes.fetch_add(result.buffer.size(), std::memory_order_relaxed);
  }
  result.reserved = slot->reserved;
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
    result.stream = found->second->stream;  // releases its bytes when it is closed
    result.version = result.stream->version();
    client_->stats->bytes.fetch_add(result.stream->size(), std::memory_order_relaxed);
  } else {
    found->second->stream->Close();
  }
  Finish(sequence, std::move(result));
  // Not now: we are inside one of the stream's handlers.
  client_->loop->After(0, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Pump();
  });
}

void ReadWindow::Finish(uint64_t sequence, ReadResult result) {
  active_.erase(sequence);
  result.sequence = sequence;
  if (result.status.ok()) client_->stats->objects.fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return;
  if (options_.ordered) {
    results_[static_cast<size_t>(sequence - taken_)] = std::move(result);
  } else {
    results_.emplace_back(std::move(result));
  }
  if (!waiting_ || !AnythingToTake() || notify_planned_) return;
  notify_planned_ = true;  // one wake-up for everything that arrives in this turn
  client_->loop->AtEndOfTurn([self = shared_from_this()] {
    self->notify_planned_ = false;
    self->arrived_.notify_one();
  });
}

// Time in which a read waits aside counts.
void ReadWindow::SetDeadline(Slot* slot) const {
  if (options_.timeout_ms < 0 || slot->deadline_ms >= 0) return;
  slot->deadline_ms = client_->loop->now_ms() + options_.timeout_ms;
}

void ReadWindow::ScheduleCheck() {
  if (check_timer_.has_value()) return;
  check_timer_ = client_->loop->After(kCheckMs, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Check();
  });
}

void ReadWindow::Check() {
  check_timer_.reset();
  EndOverdue();
  PutAsideHopeless();
  TakeUpWaiting();
  if (!active_.empty() || !aside_.empty()) ScheduleCheck();
  Pump();
}

void ReadWindow::PutAside(std::unique_ptr<Slot> slot) {
  EndPause(slot.get());
  SetDeadline(slot.get());
  slot->whole.reset();
  if (slot->stream != nullptr) {
    slot->stream->Close();  // which releases its bytes
    slot->stream.reset();
    slot->reserved = 0;
  }
  Hold(slot.get(), 0);
  const uint64_t sequence = slot->sequence;
  aside_.emplace(sequence, std::move(slot));
  aside_count_ = aside_.size();
  ScheduleCheck();
}

// Reads under way that wait for a node which has been found to be down.
void ReadWindow::PutAsideHopeless() {
  for (auto it = active_.begin(); it != active_.end();) {
    const Slot& slot = *it->second;
    if (slot.paused_ms >= 0 || client_->transport->FindOutage(slot.object) == nullptr) {
      ++it;
      continue;
    }
    PutAside(std::move(it->second));
    it = active_.erase(it);
  }
}

void ReadWindow::TakeUpWaiting() {
  const int64_t now_ms = client_->loop->now_ms();
  if (aside_.empty() || now_ms < aside_checked_ms_ + kAsideCheckMs) return;
  aside_checked_ms_ = now_ms;
  // From the last one on, so that each goes to the front.
  for (auto it = aside_.end(); it != aside_.begin();) {
    --it;
    const Status* const outage = client_->transport->FindOutage(it->second->object);
    const int64_t deadline_ms = it->second->deadline_ms;
    if (outage == nullptr) {
      PutBack(std::move(it->second));
    } else if (deadline_ms >= 0 && deadline_ms < now_ms) {
      ReadResult result;
      result.status = *outage;
      Finish(it->first, std::move(result));
    } else {
      continue;
    }
    it = aside_.erase(it);
  }
  aside_count_ = aside_.size();
}

void ReadWindow::EndOverdue() {
  if (options_.timeout_ms < 0) return;
  const int64_t now_ms = client_->loop->now_ms();
  std::vector<uint64_t> overdue;
  for (const auto& [sequence, slot] : active_) {
    if (slot->paused_ms < 0 && slot->deadline_ms < now_ms) overdue.push_back(sequence);
  }
  for (const uint64_t sequence : overdue) {
    const Slot& slot = *active_[sequence];
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
    result.reserved = slot.reserved;
    Finish(sequence, std::move(result));
  }
}

void ReadWindow::CancelAll() {
  // Here, because reads under way ask for their share until now.
  budget_->Close(options_.prefetch_bytes);
  client_->loop->After(kKeepMemoryMs, [budget = budget_, pool = client_->pool] {
    pool->SetBudget(static_cast<size_t>(budget->Total()));
  });
  pending_.clear();
  for (auto& [sequence, slot] : active_) {
    if (slot->stream != nullptr) slot->stream->Close();
  }
  active_.clear();
  aside_.clear();
  if (check_timer_.has_value()) client_->loop->Cancel(*check_timer_);
  check_timer_.reset();
}

}  // namespace objectpipes
