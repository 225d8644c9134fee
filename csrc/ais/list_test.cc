#include "ais/list.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/ais_cluster.h"

namespace objectpipes::ais {
namespace {

class AisList : public AisTest {};

// A target that left and came back is in both maps.
TEST_F(AisList, APageDuringWhichTheClusterChangedIsListedAgain) {
  maps_ = {Map(1), Map(3)};
  proxy_replies_.assign(2, PageOf({}));
  const auto lister = List();
  EXPECT_EQ(lister->page->status().code(), StatusCode::kServer);
  EXPECT_EQ(lister->hint.kind, Kind::kRetryNow);
  EXPECT_EQ(lister->hint.route, Route::kFallback);
  EXPECT_TRUE(List(Route::kFallback)->page->ok());
}

TEST_F(AisList, EveryPageIsFollowedByALookAtTheMap) {
  maps_ = {Map(1), Map(1), Map(2)};
  proxy_replies_.assign(2, PageOf({}, "t"));
  EXPECT_TRUE(List()->page->ok());
  EXPECT_FALSE(List()->page->ok());
}

TEST_F(AisList, APageTellsHowManyTargetsThereAre) {
  proxy_replies_.assign(2, PageOf({}));
  EXPECT_EQ(List()->page->value().targets, 1);
  OnLoop([this] { transport_.reset(); });
  shows_map_ = false;
  EXPECT_EQ(List()->page->value().targets, -1);
}

}  // namespace
}  // namespace objectpipes::ais
