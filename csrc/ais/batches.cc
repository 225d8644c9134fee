#include "ais/batches.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/clock.h"

namespace objectpipes::ais {
namespace {

constexpr size_t kUnderWay = 2;  // batches of a group that are waited for
constexpr int64_t kWatchMs = 500;
// A target that has missed a change of the cluster hangs in every batch until it is restarted.
constexpr int64_t kPauseAfterFailureMs = 30'000;

}  // namespace

bool Batches::MayAdd(const std::string& bucket, const Target& target) {
  return MayStart(groups_[{bucket, target.id}]);
}

// Not while a target is missing: a target that assembles a batch then hangs in every later one,
// once the missing one is back.
bool Batches::MayStart(const Group& group) const {
  return cluster_->is_whole() && MonotonicMs() >= group.paused_until_ms;
}

void Batches::Add(const std::string& bucket, const Target& target,
                  std::shared_ptr<BatchTicket> ticket) {
  groups_[{bucket, target.id}].waiting.push_back(std::move(ticket));
  WorkSoon();
}

void Batches::WorkSoon() {
  if (std::exchange(work_planned_, true)) return;
  executor_->Post([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) Work();
  });
}

void Batches::Work() {
  work_planned_ = false;
  for (auto& [key, group] : groups_) Work(key.first, &group);
  WatchSoon();
}

void Batches::Work(const std::string& bucket, Group* group) {
  for (const auto& batch : group->under_way) {
    batch->HandOver();
    if (batch->failed()) group->paused_until_ms = MonotonicMs() + kPauseAfterFailureMs;
  }
  const auto done = [](const auto& batch) { return batch->ended() && batch->handed_over(); };
  group->under_way.erase(std::remove_if(group->under_way.begin(), group->under_way.end(), done),
                         group->under_way.end());

  if (!MayStart(*group)) return SendAway(std::exchange(group->waiting, {}));

  const auto given_up = [](const auto& ticket) { return ticket->waiter == nullptr; };
  group->waiting.erase(std::remove_if(group->waiting.begin(), group->waiting.end(), given_up),
                       group->waiting.end());
  auto waited_for =
      static_cast<size_t>(std::count_if(group->under_way.begin(), group->under_way.end(),
                                        [](const auto& batch) { return !batch->handed_over(); }));
  for (; waited_for < kUnderWay && !group->waiting.empty(); ++waited_for) {
    const auto end = group->waiting.begin() +
                     static_cast<std::ptrdiff_t>(std::min(most_, group->waiting.size()));
    Batch::Tickets tickets(std::make_move_iterator(group->waiting.begin()),
                           std::make_move_iterator(end));
    group->waiting.erase(group->waiting.begin(), end);
    // Alone, an object costs less than with those that push it out.
    if (tickets.size() == 1) return SendAway(tickets);
    group->under_way.push_back(
        std::make_unique<Batch>(session_, cluster_, bucket, std::move(tickets), this));
    group->under_way.back()->Start();
  }
}

void Batches::SendAway(const Batch::Tickets& tickets) {
  for (const auto& ticket : tickets) {
    BatchTicket::Waiter* const waiter = std::exchange(ticket->waiter, nullptr);
    if (waiter != nullptr) waiter->OnNotBatched();
  }
}

void Batches::WatchSoon() {
  const bool any = std::any_of(groups_.begin(), groups_.end(),
                               [](const auto& entry) { return !entry.second.under_way.empty(); });
  if (!any || std::exchange(watching_, true)) return;
  executor_->PostAfter(kWatchMs, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired()) return;
    watching_ = false;
    for (auto& [key, group] : groups_) {
      for (const auto& batch : group.under_way) batch->Look(MonotonicMs());
    }
    WatchSoon();
  });
}

}  // namespace objectpipes::ais
