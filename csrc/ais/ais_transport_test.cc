#include "ais/ais_transport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "testing/ais_cluster.h"

namespace objectpipes::ais {
namespace {

class AisTransportTest : public AisTest {};

TEST_F(AisTransportTest, SaysOnceThatTheMapIsRefused) {
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_EQ(transport()->TakeWarning(), "");
  OnLoop([this] { transport_.reset(); });
  shows_map_ = false;
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_NE(transport()->TakeWarning().find("SHOW-CLUSTER"), std::string_view::npos);
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_EQ(transport()->TakeWarning(), "");
}

// The gateway that was configured is lost, and the map names another one.
class LostGatewayTest : public AisTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    stall_timeout_ms_ = GetParam() == std::string(kSilence) ? 300 : 10'000;
    const std::lock_guard<std::mutex> lock(mutex_);
    proxy_replies_ = {PageOf({})};
  }

  // The map is known, and nothing else.
  void LoseAfterAListing() {
    EXPECT_TRUE(List()->page->ok());
    const std::lock_guard<std::mutex> lock(dead_mutex_);
    dead_ = GetParam();
  }
};

INSTANTIATE_TEST_SUITE_P(Gateways, LostGatewayTest, ::testing::Values(kHangUp, kSilence));

TEST_P(LostGatewayTest, ListsThroughAnother) {
  LoseAfterAListing();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    proxy_replies_ = {PageOf({})};
  }
  const auto failed = List();
  EXPECT_FALSE(failed->page->ok());
  EXPECT_EQ(failed->hint.kind, Kind::kRetryNow);
  EXPECT_TRUE(List(failed->hint.route)->page->ok());
}

TEST_P(LostGatewayTest, ReadsThroughAnother) {
  LoseAfterAListing();
  const auto failed = Get(Route::kFallback);  // the bucket is asked of the other one already
  EXPECT_TRUE(failed->outcome.ok());
  EXPECT_EQ(other_proxy_.reads().size(), 1U);
}

TEST_P(LostGatewayTest, ReadsFromTargetsAsBefore) {
  LoseAfterAListing();
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_EQ(target_.reads().size(), 1U);
  EXPECT_EQ(LineOf(other_proxy_.requests().at(0)), "HEAD /v1/buckets/b?provider=ais HTTP/1.1");
}

TEST_P(LostGatewayTest, LooksAtTheMapOfAnother) {
  LoseAfterAListing();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    target_replies_ = {Error("404 Not Found", "ErrNotFound", "no such object")};
    proxy_replies_ = {Error("404 Not Found", "ErrNotFound", "no such object")};
  }
  Get();  // moves on to the other one, of which the rest is asked
  EXPECT_EQ(Get(Route::kFallback)->outcome.code(), StatusCode::kObjectNotFound);
  const auto requests = other_proxy_.requests();
  EXPECT_TRUE(std::any_of(requests.begin(), requests.end(),
                          [](const std::string& r) { return Asks(r, "/v1/daemon"); }));
}

// Before there was a map, nobody knows of another one.
TEST_P(LostGatewayTest, WithoutAMapThereIsNoOther) {
  // No other test has learned gateways for this name. A port may have been that of another proxy.
  endpoint_url_ = proxy_.url();
  endpoint_url_.replace(endpoint_url_.find("127.0.0.1"), 9, "localhost");
  dead_ = GetParam();
  const auto failed = List();
  EXPECT_FALSE(failed->page->ok());
  EXPECT_EQ(failed->hint.kind, Kind::kRetry);
  EXPECT_TRUE(other_proxy_.requests().empty());
}

}  // namespace
}  // namespace objectpipes::ais
