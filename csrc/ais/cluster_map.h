// The cluster map ("Smap"): which proxies and targets an AIStore cluster has now.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace objectpipes::ais {

struct Target {
  std::string id;
  std::string url;      // public: "http://host:port"
  uint64_t digest = 0;  // of the id, for placement
  bool holds_objects =
      true;  // false: it is in maintenance or being decommissioned, and holds no objects
};

struct ClusterMap {
  int64_t version = 0;                  // grows by one with each change
  std::string uuid;                     // of the cluster: it never changes
  std::vector<Target> targets;          // sorted by id
  std::vector<std::string> proxy_urls;  // public; the primary's first
};

// kProtocol if anything needed is missing or malformed.
Result<ClusterMap> ParseClusterMap(std::string_view json);

}  // namespace objectpipes::ais
