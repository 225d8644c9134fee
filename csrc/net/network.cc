#include "net/network.h"

#include <algorithm>
#include <filesystem>
#include <random>
#include <utility>

#include "base/clock.h"

namespace objectpipes {
namespace {

constexpr int64_t kDeadMs = 60'000;
constexpr size_t kMaxDead = 1024;
constexpr size_t kMaxTlsContexts = 16;

std::string WhenChanged(const TlsOptions& options) {
  std::string when;
  for (const std::string* file :
       {&options.ca_file, &options.ca_path, &options.client_cert, &options.client_key}) {
    std::error_code error;
    const auto time = std::filesystem::last_write_time(*file, error);
    if (!error) when += std::to_string(static_cast<int64_t>(time.time_since_epoch().count()));
    when += ' ';
  }
  return when;
}

// Returns the elements of both, alternating.
void Interleave(const std::vector<SocketAddress>& first, const std::vector<SocketAddress>& second,
                std::vector<SocketAddress>* target) {
  for (size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) target->push_back(first[i]);
    if (i < second.size()) target->push_back(second[i]);
  }
}

}  // namespace

// Processes should begin with different addresses.
AddressBook::AddressBook() : turn_(std::random_device()()) {}

std::vector<SocketAddress> AddressBook::Order(const std::vector<SocketAddress>& addresses) {
  const int64_t now_ms = MonotonicMs();
  std::vector<SocketAddress> families[2][2];  // dead or not, IPv6 or not
  for (const SocketAddress& address : addresses) {
    const auto dead = dead_until_ms_.find(address);
    const bool is_dead = dead != dead_until_ms_.end() && dead->second > now_ms;
    families[is_dead ? 1 : 0][address.is_ipv6 ? 1 : 0].push_back(address);
  }
  const size_t turn = turn_++;
  std::vector<SocketAddress> result;
  for (auto& family : families) {
    for (std::vector<SocketAddress>& equals : family) {
      if (equals.empty()) continue;
      const auto first = static_cast<std::ptrdiff_t>(turn % equals.size());
      std::rotate(equals.begin(), equals.begin() + first, equals.end());
    }
    Interleave(family[ipv4_first_ ? 0 : 1], family[ipv4_first_ ? 1 : 0], &result);
  }
  return result;
}

void AddressBook::NoteDead(const SocketAddress& address) {
  if (dead_until_ms_.size() >= kMaxDead) dead_until_ms_.clear();
  dead_until_ms_[address] = MonotonicMs() + kDeadMs;
}

Result<std::shared_ptr<TlsContext>> Network::TlsContextFor(const TlsOptions& options) {
  std::string files = WhenChanged(options);
  const auto found = tls_contexts_.find(options);
  if (found != tls_contexts_.end() && found->second.files == files) return found->second.context;
  Result<std::shared_ptr<TlsContext>> made = TlsContext::Create(options);
  if (!made.ok()) return made.status();
  if (tls_contexts_.size() >= kMaxTlsContexts) tls_contexts_.clear();
  tls_contexts_[options] = Loaded{std::move(files), made.value()};
  return made.value();
}

}  // namespace objectpipes
