// The gateways of a cluster, and which of them is asked: any serves as well as the others.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace objectpipes::ais {

// Stays with one gateway until it fails. I/O thread only.
class Gateways {
 public:
  // The one that the user named, which may be another name of one in the map.
  explicit Gateways(std::string configured);

  const std::string& current() const { return gateways_[current_].url; }

  // Of a cluster map. The token goes to them.
  void Learn(const std::vector<std::string>& urls);

  // No answer came from `url`. Whether another one, which is the current one now, had better be
  // asked at once: false when all have failed one after the other.
  bool OnFailed(const std::string& url);
  void OnAnswered(const std::string& url);

 private:
  struct Gateway {
    std::string url;
    bool failed = false;
  };

  Gateway* Find(const std::string& url);

  std::vector<Gateway> gateways_;  // the configured one first
  size_t current_ = 0;
};

// What this process knows of the cluster behind a configured gateway: a new client, and the child
// of a fork, find a living gateway though the configured one has died.
Gateways* GatewaysOf(const std::string& configured);

}  // namespace objectpipes::ais
