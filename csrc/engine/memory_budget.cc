#include "engine/memory_budget.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace objectpipes {
namespace {

// Memory that was not used for this long is given to other reads ahead.
constexpr int64_t kUnusedMs = 2000;
// Awaited objects may together exceed the budget by this, because a consumer often still holds one
// object while it waits for the next.
constexpr uint64_t kMaxExcessBytes = uint64_t{32} << 20;
// A consumer that has waited this long gets memory in any case, because other consumers may never
// take the objects that they hold.
constexpr int64_t kMaxWaitMs = 10'000;
constexpr int64_t kKeepMemoryMs = 10'000;  // after the last read, because the next epoch may begin

}  // namespace

// ---------------------------------------------------------------------------------------------------
// MemoryAccount and Reservation

MemoryAccount::MemoryAccount(std::shared_ptr<MemoryBudget> budget, uint64_t limit)
    : budget_(std::move(budget)), limit_(limit) {
  budget_->AddLimit(limit_);
  ++budget_->windows_;
  budget_->OnRelease();  // there may be more room than before
}

MemoryAccount::~MemoryAccount() {
  Close();
  budget_->RemoveLimit(limit_);
}

void MemoryAccount::Close() {
  if (!open_.exchange(false)) return;
  --budget_->windows_;
  budget_->OnRelease();  // the shares of the others have grown
}

bool MemoryAccount::Reserve(uint64_t bytes, std::optional<int64_t> awaited_since_ms,
                            MemoryHolder* holder, Reservation* room) {
  if (bytes <= room->bytes_) {
    room->Shrink(bytes);
    return true;
  }
  const uint64_t more = bytes - room->bytes_;
  if (!budget_->Reserve(more, awaited_since_ms, holder, this)) return false;
  if (room->account_ == nullptr) room->account_ = shared_from_this();
  room->bytes_ = bytes;
  return true;
}

void MemoryAccount::Release(uint64_t bytes) {
  held_ -= bytes;
  budget_->Release(bytes);
}

void Reservation::Shrink(uint64_t bytes) {
  if (bytes >= bytes_) return;
  account_->Release(bytes_ - bytes);
  bytes_ = bytes;
}

// ---------------------------------------------------------------------------------------------------
// MemoryBudget

MemoryBudget::MemoryBudget(Executor* loop, std::shared_ptr<BufferPool> pool)
    : loop_(loop), pool_(std::move(pool)) {}

std::shared_ptr<MemoryAccount> MemoryBudget::Open(uint64_t limit) {
  return std::make_shared<MemoryAccount>(shared_from_this(), limit);
}

void MemoryBudget::AddLimit(uint64_t limit) {
  const std::lock_guard<std::mutex> lock(mutex_);
  limits_.push_back(limit);
  total_ = *std::max_element(limits_.begin(), limits_.end());
  pool_->SetBudget(static_cast<size_t>(total_));
}

// The pool keeps its memory for a while, because the next epoch may begin.
void MemoryBudget::RemoveLimit(uint64_t limit) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    limits_.erase(std::find(limits_.begin(), limits_.end(), limit));
    total_ = limits_.empty() ? 0 : *std::max_element(limits_.begin(), limits_.end());
  }
  PlanIdleCheck();
}

void MemoryBudget::Add(MemoryHolder* holder) { holders_.push_back(holder); }

void MemoryBudget::Remove(MemoryHolder* holder) {
  for (auto* const list : {&holders_, &waiting_}) {
    list->erase(std::remove(list->begin(), list->end(), holder), list->end());
  }
}

// A window keeps to its share. If it holds nothing, it may have one object that is larger.
bool MemoryBudget::HasRoomFor(uint64_t more, const MemoryAccount& account, bool awaited) const {
  if (used_ + more > total_) return false;
  const uint64_t share = std::min(account.limit_, total_ / std::max<uint64_t>(windows_, 1));
  return awaited || account.held_ == 0 || account.held_ + more <= share;
}

// The first awaited object may exceed the budget by all of its size, others by kMaxExcessBytes
// together.
bool MemoryBudget::MayExceed(uint64_t more, int64_t awaited_since_ms) const {
  return used_ <= total_ || used_ + more <= total_ + kMaxExcessBytes ||
         MonotonicMs() - awaited_since_ms >= kMaxWaitMs;
}

bool MemoryBudget::Reserve(uint64_t more, std::optional<int64_t> awaited_since_ms,
                           MemoryHolder* holder, MemoryAccount* account) {
  const bool awaited = awaited_since_ms.has_value();
  const bool idle_until_now = MonotonicMs() - last_use_ms_ >= kKeepMemoryMs;
  last_use_ms_ = MonotonicMs();
  if (idle_until_now) pool_->SetBudget(static_cast<size_t>(total_));
  PlanIdleCheck();

  bool room = HasRoomFor(more, *account, awaited);
  if (!room) {
    blocked_ = true;  // set first: from now on each release makes the waiting holders ask again
    room = HasRoomFor(more, *account, awaited) ||
           (!PlanReclaim(more, awaited ? 0 : kUnusedMs, holder) && awaited &&
            MayExceed(more, *awaited_since_ms));
  }
  if (room) {
    used_ += more;
    account->held_ += more;
  } else if (std::find(waiting_.begin(), waiting_.end(), holder) == waiting_.end()) {
    waiting_.push_back(holder);
  }
  return room;
}

// Holders whose memory has not been used for this long, the longest idle first.
std::vector<std::pair<int64_t, MemoryHolder*>> MemoryBudget::FindIdle(
    int64_t idle_ms, const MemoryHolder* except) const {
  const int64_t latest_ms = MonotonicMs() - idle_ms;
  std::vector<std::pair<int64_t, MemoryHolder*>> idle;
  for (MemoryHolder* holder : holders_) {
    if (holder == except) continue;
    const std::optional<int64_t> since_ms = holder->IdleSinceMs();
    if (since_ms.has_value() && *since_ms <= latest_ms) idle.emplace_back(*since_ms, holder);
  }
  std::sort(idle.begin(), idle.end());
  return idle;
}

// Whether any memory can be given back. That happens later, because room is asked for inside
// handlers, where a holder must not end its transfers.
bool MemoryBudget::PlanReclaim(uint64_t more, int64_t idle_ms, const MemoryHolder* except) {
  if (reclaim_planned_) return true;
  reclaim_planned_ = !FindIdle(idle_ms, except).empty();
  if (!reclaim_planned_) return false;
  loop_->PostAfter(0, [self = shared_from_this(), more, idle_ms] {
    self->reclaim_planned_ = false;
    self->Reclaim(idle_ms, self->total_ - std::min<uint64_t>(self->total_, more));
    self->OnRelease();
  });
  return true;
}

// Takes memory back, from the longest idle holder on, until at most `used_limit` is used.
void MemoryBudget::Reclaim(int64_t idle_ms, uint64_t used_limit) {
  for (const auto& [since_ms, holder] : FindIdle(idle_ms, nullptr)) {
    if (used_ <= used_limit) return;
    holder->GiveBack();
  }
}

void MemoryBudget::ReclaimUnused() { Reclaim(kUnusedMs, 0); }

void MemoryBudget::Release(uint64_t bytes) {
  used_ -= bytes;
  last_use_ms_ = MonotonicMs();
  OnRelease();
}

void MemoryBudget::OnRelease() {
  if (!blocked_.exchange(false)) return;
  loop_->Post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    // Each holder may ask again, and then waits at the end of the queue.
    for (size_t left = self->waiting_.size(); left > 0 && !self->waiting_.empty(); --left) {
      MemoryHolder* const holder = self->waiting_.front();
      self->waiting_.erase(self->waiting_.begin());
      holder->OnRoom();
    }
  });
}

void MemoryBudget::PlanIdleCheck() {
  if (idle_check_planned_.exchange(true)) return;
  loop_->Post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->CheckIdle();
  });
}

void MemoryBudget::CheckIdle() {
  const int64_t left_ms = last_use_ms_ + kKeepMemoryMs - MonotonicMs();
  if (left_ms > 0) {
    loop_->PostAfter(left_ms, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->CheckIdle();
    });
    return;
  }
  idle_check_planned_ = false;
  Reclaim(kKeepMemoryMs, 0);
  pool_->SetBudget(0);
  GiveBackFreeMemory();
}

}  // namespace objectpipes
