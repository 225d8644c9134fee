#include "ais/cluster.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ais/hrw.h"
#include "testing/loop_test.h"
#include "testing/loopback_server.h"
#include "testing/signal.h"

namespace objectpipes::ais {
namespace {

using Peer = LoopbackServer::Peer;

class Asker final : public Cluster::Handler {
 public:
  void OnMap() override { done.Set(); }
  Signal done;
};

// A proxy that shows the map a test has made, under a clock that a test sets. Targets are dead
// ports.
class ClusterTest : public LoopTest {
 protected:
  ClusterTest()
      : proxy_([this](Peer* peer) {
          while (!peer->ReadRequest().empty()) {
            if (!peer->Send(Answer())) return;
          }
        }) {
    HttpOptions options;
    options.connect_timeout_ms = options.stall_timeout_ms = 10'000;
    OnLoop([&] {
      session_ = std::make_unique<HttpSession>(&loop_.http(), options);
      cluster_ = NewCluster();
    });
  }

  // As another client of the process sees it.
  std::unique_ptr<Cluster> NewCluster() {
    return std::make_unique<Cluster>(session_.get(), proxy_.url(""), &credentials_,
                                     [this] { return now_ms_.load(); });
  }
  ~ClusterTest() override {
    OnLoop([this] {
      cluster_.reset();
      session_.reset();
    });
  }

  // Makes the cluster know this map.
  void Show(int version, const std::vector<std::string>& targets, const std::string& uuid = "u") {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      map_ = Map(version, targets, uuid);
    }
    AskFor(cluster_.get());
  }

  void AskFor(Cluster* cluster) {
    Asker asker;
    OnLoop([&] { cluster->Ask(&asker); });
    ASSERT_TRUE(asker.done.Wait());
  }

  std::string Map(int version, const std::vector<std::string>& targets, const std::string& uuid) {
    const std::string proxy = R"({"public_net":{"direct_url":"http://p"},"daemon_id":"p1"})";
    std::string tmap;
    for (const std::string& id : targets) {
      const std::string url = "http://127.0.0.1:" + std::to_string(dead_port_);
      tmap += (tmap.empty() ? "\"" : ",\"") + id + R"(":{"public_net":{"direct_url":")" + url +
              R"("},"flags":0,"id_digest":)" + std::to_string(kDigests.at(id)) + "}";
    }
    return R"({"pmap":{"p1":)" + proxy + R"(},"proxy_si":)" + proxy + R"(,"tmap":{)" + tmap +
           R"(},"uuid":")" + uuid + R"(","version":")" + std::to_string(version) + "\"}";
  }

  std::string Answer() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return map_.empty() ? "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n" : Reply(map_);
  }

  // Some object that this target holds while both are there.
  static ObjectId ObjectOf(const std::string& id) {
    ClusterMap map;
    for (const auto& [name, digest] : kDigests) map.targets.push_back({name, "", digest});
    ObjectId object{"ais/@#/b", "0"};
    for (int i = 0; TargetOf(map, object)->id != id; ++i) object.key = std::to_string(i);
    return object;
  }

  inline static const std::map<std::string, uint64_t> kDigests = {{"t1", 7}, {"t2", 8}};
  const int dead_port_ = UnusedPort();
  std::atomic<int64_t> now_ms_{1'000'000};
  std::mutex mutex_;  // guards what follows
  std::string map_;
  CredentialStore credentials_;
  LoopbackServer proxy_;
  std::unique_ptr<HttpSession> session_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(ClusterTest, WithoutAMapNothingIsKnown) {
  Asker asker;
  OnLoop([&] { cluster_->Ask(&asker); });
  ASSERT_TRUE(asker.done.Wait());
  OnLoop([&] {
    EXPECT_TRUE(cluster_->asked());
    EXPECT_EQ(cluster_->version(), 0);
    EXPECT_EQ(cluster_->target_count(), -1);
    EXPECT_EQ(cluster_->TargetOf(ObjectOf("t1")), nullptr);
    EXPECT_EQ(cluster_->FindOutage(ObjectOf("t1")), nullptr);
  });
}

TEST_F(ClusterTest, AMapThatShrinksHasAMissingTarget) {
  Show(1, {"t1", "t2"});
  OnLoop([&] { EXPECT_EQ(cluster_->AnyMissingTarget(), nullptr); });
  Show(2, {"t1"});
  OnLoop([&] {
    ASSERT_NE(cluster_->AnyMissingTarget(), nullptr);
    EXPECT_EQ(cluster_->AnyMissingTarget()->id, "t2");
    EXPECT_EQ(cluster_->MissingTargetOf(ObjectOf("t2"))->id, "t2");
    EXPECT_EQ(cluster_->MissingTargetOf(ObjectOf("t1")), nullptr);
    EXPECT_EQ(cluster_->TargetOf(ObjectOf("t2"))->id, "t1") << "it may be restored there";
  });
  Show(3, {"t1", "t2"});
  OnLoop([&] { EXPECT_EQ(cluster_->AnyMissingTarget(), nullptr); });
}

TEST_F(ClusterTest, WhatOneClientHasSeenAllKnow) {
  std::unique_ptr<Cluster> other;
  OnLoop([&] { other = NewCluster(); });
  Show(1, {"t1", "t2"});
  Show(2, {"t1"});
  AskFor(other.get());
  OnLoop([&] {
    EXPECT_EQ(other->target_count(), 1);
    ASSERT_NE(other->AnyMissingTarget(), nullptr);
    EXPECT_EQ(other->AnyMissingTarget()->id, "t2");
    EXPECT_EQ(other->MissingTargetOf(ObjectOf("t2"))->id, "t2");
    other.reset();
  });
}

// The first one is asked before the target is gone, and has its answer afterwards.
TEST_F(ClusterTest, WhatAnotherClientSeesLaterIsKnownWithTheNextAnswer) {
  Show(2, {"t1"});
  std::unique_ptr<Cluster> other;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    map_ = Map(1, {"t1", "t2"}, "u");
  }
  OnLoop([&] { other = NewCluster(); });
  AskFor(other.get());
  Show(2, {"t1"});
  OnLoop([&] {
    EXPECT_EQ(other->AnyMissingTarget(), nullptr) << "by its own map";
    EXPECT_EQ(cluster_->AnyMissingTarget()->id, "t2");
    other.reset();
  });
}

TEST_F(ClusterTest, AnOlderMapIsNoNews) {
  Show(2, {"t1", "t2"});
  Show(1, {"t1"});
  OnLoop([&] {
    EXPECT_EQ(cluster_->AnyMissingTarget(), nullptr);
    EXPECT_EQ(cluster_->version(), 2);
  });
}

TEST_F(ClusterTest, AnotherClusterBeginsAnew) {
  Show(5, {"t1", "t2"});
  OnLoop([&] { cluster_->RefuseDirect(); });
  Show(1, {"t1"}, "another");
  OnLoop([&] {
    EXPECT_EQ(cluster_->target_count(), 1);
    EXPECT_EQ(cluster_->AnyMissingTarget(), nullptr);
    EXPECT_TRUE(cluster_->direct());
    EXPECT_EQ(cluster_->version(), 1);
  });
}

// Objects of a lost target are restored before long, or not at all; to a new one they are moved.
TEST_F(ClusterTest, SettlesAfterAChange) {
  Show(1, {"t1", "t2"});
  OnLoop([&] { EXPECT_FALSE(cluster_->IsSettling(ObjectOf("t2"))); });
  Show(2, {"t1"});
  OnLoop([&] {
    EXPECT_TRUE(cluster_->IsSettling(ObjectOf("t2")));
    EXPECT_NE(cluster_->FindOutage(ObjectOf("t2")), nullptr);
    EXPECT_EQ(cluster_->FindOutage(ObjectOf("t1")), nullptr);
    now_ms_ += 3000;
    EXPECT_FALSE(cluster_->IsSettling(ObjectOf("t2")));
    EXPECT_EQ(cluster_->FindOutage(ObjectOf("t2")), nullptr);
    EXPECT_TRUE(cluster_->IsSettling(ObjectOf("t1")));
    now_ms_ += 7000;
    EXPECT_FALSE(cluster_->IsSettling(ObjectOf("t1")));
  });
}

// Longer than a cluster needs to notice: then reads of its objects fail instead of waiting.
TEST_F(ClusterTest, ATargetThatStaysDownIsGivenUpAfterAMinute) {
  Show(1, {"t1", "t2"});
  const ObjectId object = ObjectOf("t1");
  OnLoop([&] {
    TargetHealth* const health = cluster_->HealthOf(cluster_->TargetOf(object));
    health->OnSent();
    health->OnFailed();
  });
  bool down = false;
  for (int i = 0; i < 1000 && !down; ++i) {
    now_ms_ += 100;
    OnLoop([&] { down = cluster_->FindOutage(object) != nullptr; });
  }
  ASSERT_TRUE(down);
  OnLoop([&] {
    const Target* const target = cluster_->TargetOf(object);
    const int64_t since_ms = cluster_->HealthOf(target)->down_since_ms();
    now_ms_ = since_ms + 59'999;
    EXPECT_FALSE(cluster_->IsGivenUp(target));
    EXPECT_NE(cluster_->FindOutage(object), nullptr);
    now_ms_ = since_ms + 60'000;
    EXPECT_TRUE(cluster_->IsGivenUp(target));
    EXPECT_EQ(cluster_->FindOutage(object), nullptr);
  });
}

// A new process knows the gateways from the one that forked it.
TEST_F(ClusterTest, ASilentGatewayIsNotAwaitedForLongWhileThereIsAnother) {
  LoopbackServer silent([](Peer* peer) { peer->AwaitEnd(); });
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    map_ = Map(1, {"t1"}, "u");
  }
  std::unique_ptr<Cluster> cluster;
  Asker asker;
  OnLoop([&] {
    GatewaysOf(silent.url(""))->Learn({silent.url(""), proxy_.url("")});
    cluster = std::make_unique<Cluster>(session_.get(), silent.url(""), &credentials_,
                                        [this] { return now_ms_.load(); });
    cluster->Ask(&asker);
    now_ms_ += 1999;
    cluster->FindOutage(ObjectOf("t1"));
    EXPECT_EQ(cluster->gateway(), silent.url(""));
    now_ms_ += 1;
    cluster->FindOutage(ObjectOf("t1"));
    EXPECT_EQ(cluster->gateway(), proxy_.url(""));
  });
  ASSERT_TRUE(asker.done.Wait());
  OnLoop([&] {
    EXPECT_EQ(cluster->target_count(), 1);
    cluster.reset();
  });
}

TEST_F(ClusterTest, AllGatewaysMayBeSlow) {
  LoopbackServer silent([](Peer* peer) { peer->AwaitEnd(); });
  LoopbackServer slow([](Peer* peer) { peer->AwaitEnd(); });
  std::unique_ptr<Cluster> cluster;
  Asker asker;
  OnLoop([&] {
    GatewaysOf(silent.url(""))->Learn({silent.url(""), slow.url("")});
    cluster = std::make_unique<Cluster>(session_.get(), silent.url(""), &credentials_,
                                        [this] { return now_ms_.load(); });
    cluster->Ask(&asker);
    for (int i = 0; i < 5; ++i) {
      now_ms_ += 2000;
      cluster->FindOutage(ObjectOf("t1"));
      EXPECT_EQ(cluster->gateway(), slow.url(""));
    }
    cluster.reset();
  });
}

}  // namespace
}  // namespace objectpipes::ais
