#include "engine/outage_queue.h"

#include <utility>

namespace objectpipes {
namespace {

constexpr int64_t kCheckMs = 1000;

}  // namespace

void OutageQueue::Put(std::unique_ptr<ReadSlot> slot) {
  const uint64_t sequence = slot->sequence;
  slots_.emplace(sequence, std::move(slot));
  size_ = slots_.size();
}

std::vector<OutageQueue::Ended> OutageQueue::TakeEnded(Transport* transport, int64_t now_ms) {
  std::vector<Ended> ended;
  if (slots_.empty() || now_ms < checked_ms_ + kCheckMs) return ended;
  checked_ms_ = now_ms;
  for (auto it = slots_.end(); it != slots_.begin();) {
    --it;
    const Status* const outage = transport->FindOutage(it->second->object);
    const int64_t deadline_ms = it->second->deadline_ms;
    if (outage != nullptr && (deadline_ms < 0 || deadline_ms >= now_ms)) continue;
    ended.push_back({std::move(it->second), outage == nullptr ? Status::Ok() : *outage});
    it = slots_.erase(it);
  }
  size_ = slots_.size();
  return ended;
}

void OutageQueue::Clear() {
  slots_.clear();
  size_ = 0;
}

}  // namespace objectpipes
