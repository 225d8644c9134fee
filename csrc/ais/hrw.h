// Which target holds an object, computed as the cluster does it, by highest random weight
// ("rendezvous") hashing. So a read needs no proxy.
#pragma once

#include <cstdint>
#include <string_view>

#include "ais/cluster_map.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// AIStore's hash for placement: of a node's id, and of an object's name with its bucket.
uint64_t PlacementDigest(std::string_view text);
uint64_t PlacementDigest(const ObjectId& object);

// Null if no target of the map holds objects. The pointer is into `map`.
const Target* TargetOf(const ClusterMap& map, const ObjectId& object);

}  // namespace objectpipes::ais
