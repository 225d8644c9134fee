#include "ais/gateways.h"

#include <algorithm>
#include <map>
#include <utility>

namespace objectpipes::ais {

Gateways::Gateways(std::string configured) { gateways_.push_back({std::move(configured)}); }

Gateways::Gateway* Gateways::Find(const std::string& url) {
  const auto found = std::find_if(gateways_.begin(), gateways_.end(),
                                  [&url](const Gateway& gateway) { return gateway.url == url; });
  return found == gateways_.end() ? nullptr : &*found;
}

void Gateways::Learn(const std::vector<std::string>& urls) {
  const std::string asked = current();
  std::vector<Gateway> learned = {gateways_.front()};
  for (const std::string& url : urls) {
    if (url == learned.front().url) continue;
    const Gateway* const known = Find(url);
    learned.push_back({url, known != nullptr && known->failed});
  }
  gateways_ = std::move(learned);
  const Gateway* const kept = Find(asked);
  current_ = kept == nullptr ? 0 : static_cast<size_t>(kept - gateways_.data());
}

bool Gateways::OnFailed(const std::string& url) {
  Gateway* const failed = Find(url);
  if (failed != nullptr) failed->failed = true;
  if (url != current()) return !gateways_[current_].failed;  // another request has moved on already
  for (size_t i = 1; i < gateways_.size(); ++i) {
    const size_t next = (current_ + i) % gateways_.size();
    if (gateways_[next].failed) continue;
    current_ = next;
    return true;
  }
  for (Gateway& gateway : gateways_) gateway.failed = false;
  current_ = (current_ + 1) % gateways_.size();
  return false;
}

void Gateways::OnAnswered(const std::string& url) {
  if (Gateway* const answered = Find(url)) answered->failed = false;
}

// Only the I/O thread runs this, and a fork waits until that thread is between two turns. So a
// child finds the map consistent, and there is no lock that could be held.
Gateways* GatewaysOf(const std::string& configured) {
  static auto* const known = new std::map<std::string, Gateways>;  // never destroyed
  return &known->try_emplace(configured, configured).first->second;
}

}  // namespace objectpipes::ais
