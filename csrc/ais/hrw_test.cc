#include "ais/hrw.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace objectpipes::ais {
namespace {

// Digests and owners below were read from a live cluster with these three targets.
ClusterMap ThreeTargets() {
  ClusterMap map;
  for (const auto& [id, digest] : {std::pair<const char*, uint64_t>{"TgtNode1", 0xb9c38ed6abc2eeaf},
                                   {"TgtNode2", 0xf9c45b874c0b7c20},
                                   {"TgtNode3", 0xd71323c29beed440}}) {
    Target target;
    target.id = id;
    target.digest = digest;
    map.targets.push_back(std::move(target));
  }
  return map;
}

TEST(PlacementDigest, OfANodeIsTheOneInTheMap) {
  for (const Target& target : ThreeTargets().targets) {
    EXPECT_EQ(PlacementDigest(target.id), target.digest);
  }
}

TEST(TargetOf, AgreesWithTheCluster) {
  const struct {
    ObjectId object;
    uint64_t digest;
    const char* target;
  } kCases[] = {
      {{"ais/@#/bck", "obj1"}, 0xa26d368828445a3a, "TgtNode3"},
      {{"ais/@#/bck", "obj2"}, 0x3b1ac5d31ba6aecb, "TgtNode2"},
      {{"ais/@#/bck", "dir/obj3"}, 0xc07e5c9407704155, "TgtNode1"},
      {{"aws/@#/bck", "obj1"}, 0x44cdeb28c3e31889, "TgtNode1"},
      {{"ais/@#ns/bck", "obj2"}, 0x8218099bba27aef8, "TgtNode1"},
  };
  const ClusterMap map = ThreeTargets();
  for (const auto& [object, digest, target] : kCases) {
    EXPECT_EQ(PlacementDigest(object), digest);
    EXPECT_EQ(TargetOf(map, object)->id, target) << object.bucket << "/" << object.key;
  }
}

TEST(TargetOf, SkipsTargetsThatHoldNoObjects) {
  ClusterMap map = ThreeTargets();
  const ObjectId object{"ais/@#/bck", "obj1"};
  map.targets[2].holds_objects = false;
  const Target* const next = TargetOf(map, object);
  ASSERT_NE(next, nullptr);
  EXPECT_NE(next->id, "TgtNode3");
  map.targets.erase(map.targets.begin() + 2);
  EXPECT_EQ(TargetOf(map, object)->id, next->id) << "as if it were not there";
}

TEST(TargetOf, NothingMovesButTheLostTargetsObjects) {
  const ClusterMap before = ThreeTargets();
  ClusterMap after = before;
  after.targets.erase(after.targets.begin());
  for (int i = 0; i < 1000; ++i) {
    const ObjectId object{"ais/@#/bck", std::to_string(i)};
    const std::string owner = TargetOf(before, object)->id;
    if (owner == "TgtNode1") continue;
    EXPECT_EQ(TargetOf(after, object)->id, owner) << i;
  }
}

TEST(TargetOf, IsNullWithoutTargets) {
  EXPECT_EQ(TargetOf(ClusterMap(), {"ais/@#/b", "k"}), nullptr);
  ClusterMap map = ThreeTargets();
  for (Target& target : map.targets) target.holds_objects = false;
  EXPECT_EQ(TargetOf(map, {"ais/@#/b", "k"}), nullptr);
}

}  // namespace
}  // namespace objectpipes::ais
