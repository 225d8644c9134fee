#include "ais/gateways.h"

#include <gtest/gtest.h>

namespace objectpipes::ais {
namespace {

TEST(Gateways, StayWithOneUntilItFails) {
  Gateways gateways("http://a");
  gateways.Learn({"http://b", "http://a", "http://c"});
  EXPECT_EQ(gateways.current(), "http://a");
  EXPECT_TRUE(gateways.OnFailed("http://a"));
  EXPECT_EQ(gateways.current(), "http://b");
  gateways.OnAnswered("http://b");
  gateways.Learn({"http://c", "http://b", "http://a"});
  EXPECT_EQ(gateways.current(), "http://b");
}

TEST(Gateways, AreAllTriedBeforeAnyIsAgain) {
  Gateways gateways("http://a");
  gateways.Learn({"http://a", "http://b", "http://c"});
  EXPECT_TRUE(gateways.OnFailed("http://a"));
  EXPECT_TRUE(gateways.OnFailed("http://b"));
  EXPECT_FALSE(gateways.OnFailed("http://c"));
  EXPECT_EQ(gateways.current(), "http://a");
  EXPECT_TRUE(gateways.OnFailed("http://a"));
}

// Of many requests to a gateway that dies, the first to fail moves all of them on.
TEST(Gateways, FailOnceForAllRequests) {
  Gateways gateways("http://a");
  gateways.Learn({"http://a", "http://b", "http://c"});
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(gateways.OnFailed("http://a"));
    EXPECT_EQ(gateways.current(), "http://b");
  }
}

TEST(Gateways, OneAloneIsAskedAgain) {
  Gateways gateways("http://a");
  EXPECT_FALSE(gateways.OnFailed("http://a"));
  EXPECT_EQ(gateways.current(), "http://a");
}

TEST(Gateways, TheConfiguredOneIsKeptUnderItsOwnName) {
  Gateways gateways("http://service");
  gateways.Learn({"http://10.0.0.1"});
  gateways.Learn({"http://10.0.0.2"});
  EXPECT_EQ(gateways.current(), "http://service");
  EXPECT_TRUE(gateways.OnFailed("http://service"));
  EXPECT_EQ(gateways.current(), "http://10.0.0.2");
  gateways.Learn({"http://10.0.0.3"});  // without the one that is asked
  EXPECT_EQ(gateways.current(), "http://service");
}

TEST(Gateways, AreKnownToAllClientsOfAProcess) {
  GatewaysOf("http://shared")->Learn({"http://other"});
  EXPECT_TRUE(GatewaysOf("http://shared")->OnFailed("http://shared"));
  EXPECT_EQ(GatewaysOf("http://shared")->current(), "http://other");
}

}  // namespace
}  // namespace objectpipes::ais
