// The gateways of a cluster, and which one to ask. All are equal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace objectpipes::ais {

// Stays with one gateway until it fails. I/O thread only.
class Gateways {
 public:
  // The gateway that the user named. The map may have it under another name.
  explicit Gateways(std::string configured);

  const std::string& current() const { return gateways_[current_].url; }

  // The gateways of a cluster map. They get the token.
  void Learn(const std::vector<std::string>& urls);

  // No answer came from `url`. True if another gateway is now the current one and should be asked
  // at once; false if all have failed.
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

// The gateways that this process knows behind a configured one. With them, a new client and the
// child of a fork find a gateway that answers even if the configured one is lost.
Gateways* GatewaysOf(const std::string& configured);

}  // namespace objectpipes::ais
