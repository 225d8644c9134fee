#include "ais/hrw.h"

#ifndef __clang_analyzer__  // it would report code of the library
#define XXH_INLINE_ALL
#endif
#include <xxhash.h>

#include <string>

namespace objectpipes::ais {
namespace {

constexpr uint64_t kSeed = 1103515245;  // of all placement hashes in AIStore

constexpr uint64_t RotateLeft(uint64_t value, int bits) {
  return (value << bits) | (value >> (64 - bits));
}

// One step of splitmix64, the generator that seeds xoshiro. `state` must have been advanced
// already.
constexpr uint64_t SplitMix(uint64_t state) {
  state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
  state = (state ^ (state >> 27)) * 0x94d049bb133111eb;
  return state ^ (state >> 31);
}

constexpr uint64_t kGoldenGamma = 0x9e3779b97f4a7c15;  // splitmix64's increment

// AIStore's xoshiro256.Hash. The first output of xoshiro256** depends on one word of its state:
// here the seed after two rounds of splitmix64.
constexpr uint64_t Weight(uint64_t seed) {
  const uint64_t first = SplitMix(seed + kGoldenGamma);
  const uint64_t second = SplitMix(first + kGoldenGamma);
  return RotateLeft(second * 5, 7) * 9;
}

static_assert(Weight(0) == 0x1a70a846bd9cc2a9);
static_assert(Weight(1) == 0xc5883e370b0926c3);

}  // namespace

uint64_t PlacementDigest(std::string_view text) { return XXH64(text.data(), text.size(), kSeed); }

uint64_t PlacementDigest(const ObjectId& object) {
  std::string uname;
  uname.reserve(object.bucket.size() + 1 + object.key.size());
  uname.append(object.bucket).append("/").append(object.key);
  return PlacementDigest(uname);
}

const Target* TargetOf(const ClusterMap& map, const ObjectId& object) {
  const uint64_t digest = PlacementDigest(object);
  const Target* winner = nullptr;
  uint64_t highest = 0;
  for (const Target& target : map.targets) {
    if (!target.holds_objects) continue;
    const uint64_t weight = Weight(target.digest ^ digest);
    if (winner != nullptr && weight < highest) continue;
    winner = &target;
    highest = weight;
  }
  return winner;
}

}  // namespace objectpipes::ais
