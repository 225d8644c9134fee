#include "ais/call.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/ais_cluster.h"

namespace objectpipes::ais {
namespace {

class AisCall : public AisTest {};

// Names come unencoded in a Location, with control characters as they are or as spaces.
TEST_F(AisCall, FollowsARedirectToTheTargetWithItsOwnPath) {
  proxy_replies_ = {RedirectTo(target_.url() + "/v1/objects/b/a\tb  c\"<^?provider=ais&utm=1"),
                    RedirectTo(target_.url() + "/v1/objects/b/x?provider=ais&utm=2")};
  GetRequest request = ForKey("a\tb\r\nc\"<^");
  request.route = Route::kFallback;
  for (const char* utm : {"1", "2"}) {  // which differs each time: nothing is kept
    EXPECT_EQ(Get(request)->body,
              std::string("body of GET /v1/objects/b/a%09b%0D%0Ac%22%3C%5E?provider=ais&utm=") +
                  utm + " HTTP/1.1");
  }
  EXPECT_EQ(target_.reads()[0].find("authorization"), std::string::npos);
}

TEST_F(AisCall, ReadsNoMoreOfAnErrorThanItsLimit) {
  target_replies_ = {std::string("HTTP/1.1 403 Forbidden\r\n") + kEndless +
                     "\r\n\r\n{\"tcode\":\"ErrObjectAccessDenied\"}"};
  EXPECT_EQ(Get()->outcome.code(), StatusCode::kAccessDenied);
}

TEST_F(AisCall, ARedirectToNowhereIsAFailureToBeRepeated) {
  proxy_replies_ = {RedirectTo("ftp://t/v1/objects/b/k?pid=p")};
  const auto getter = Get(Route::kFallback);
  EXPECT_EQ(getter->outcome.code(), StatusCode::kProtocol);
  EXPECT_EQ(getter->hint.kind, Kind::kRetry);
}

TEST_F(AisCall, WhatATargetRefusesIsAskedOfTheProxyAtOnce) {
  for (const auto& [status, tcode] : {std::pair("404 Not Found", "ErrNotFound"),
                                      std::pair("400 Bad Request", "ErrBckNotFound")}) {
    target_replies_ = {Error(status, tcode, "no")};
    const auto getter = Get();
    EXPECT_EQ(getter->hint.kind, Kind::kRetryNow) << status;
    EXPECT_EQ(getter->hint.route, Route::kFallback) << status;
  }
  EXPECT_EQ(Get(Route::kFallback)->body, "body of GET /v1/objects/b/k?pid=p HTTP/1.1");
}

TEST_F(AisCall, AfterOneRefusalTargetsAreNoLongerAskedDirectly) {
  target_replies_ = {Error("403 Forbidden", "", "direct target access denied")};
  EXPECT_EQ(Get()->hint.kind, Kind::kRetryNow);
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_EQ(proxy_.reads().size(), 1U);
}

TEST_F(AisCall, NotFoundIsFinalWhileNoTargetIsMissing) {
  proxy_replies_ = {Error("404 Not Found", "ErrNotFound", "no such object")};
  const auto getter = Get(Route::kFallback);
  EXPECT_EQ(getter->outcome.code(), StatusCode::kObjectNotFound);
  EXPECT_EQ(getter->hint.kind, Kind::kFatal);
}

// Another process has listed it: this one knows no more of the cluster than how many targets it
// had.
TEST_F(AisCall, NotFoundMeansNothingWhileThereAreFewerTargetsThanWhenItWasListed) {
  proxy_replies_.assign(2, Error("404 Not Found", "ErrNotFound", "no such object"));
  GetRequest request = ForKey("k");
  request.route = Route::kFallback;
  request.object.listed.targets = 3;
  const auto getter = Get(request);
  EXPECT_EQ(getter->outcome.code(), StatusCode::kEndpoint);
  EXPECT_EQ(
      getter->outcome.message(),
      "The object was not found, and the cluster has only 1 of the 3 targets that it had when it"
      " listed the object: ais://b/k");
  EXPECT_EQ(getter->outcome.detail().code, "TargetMissing");
  EXPECT_EQ(getter->outcome.detail().http_status, 404);
  EXPECT_EQ(getter->hint.kind, Kind::kFatal);
  request.object.listed.targets = 1;
  EXPECT_EQ(Get(request)->outcome.code(), StatusCode::kObjectNotFound);
}

TEST_F(AisCall, NotFoundMeansWhatItSaysToWhomTheMapIsNotShown) {
  shows_map_ = false;
  proxy_replies_ = {Error("404 Not Found", "ErrNotFound", "no such object")};
  GetRequest request = ForKey("k");
  request.object.listed.targets = 3;
  EXPECT_EQ(Get(request)->outcome.code(), StatusCode::kObjectNotFound);
}

TEST_F(AisCall, TooManyRequestsWithoutATimeToWaitIsThrottling) {
  proxy_replies_ = {Error("429 Too Many Requests", "ErrRateLimitFrontend", "Too Many Requests")};
  const auto getter = Get(Route::kFallback);
  EXPECT_EQ(getter->outcome.code(), StatusCode::kThrottled);
  EXPECT_EQ(getter->hint.kind, Kind::kThrottled);
  EXPECT_EQ(getter->hint.retry_after_ms, -1);
}

TEST_F(AisCall, AnEmpty503IsAClusterThatIsNotReady) {
  const std::string reply = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
  proxy_replies_ = {reply, reply};
  EXPECT_EQ(Get(Route::kFallback)->hint.kind, Kind::kRetry);
  EXPECT_EQ(List()->hint.kind, Kind::kRetry);
}

TEST_F(AisCall, A400AboutALostNodeIsRepeatedOnceTheClusterMayHaveNoticed) {
  proxy_replies_ = {
      Error("400 Bad Request", "ErrFailedTo", "dial tcp 127.0.0.1:1: connection refused"),
      Error("400 Bad Request", "ErrFailedTo", "invalid UUID")};
  const auto lost = List();
  EXPECT_EQ(lost->page->status().code(), StatusCode::kServer);
  EXPECT_EQ(lost->hint.kind, Kind::kRetry);
  EXPECT_GE(lost->hint.retry_after_ms, 1000);
  EXPECT_EQ(List()->hint.kind, Kind::kFatal) << "others are final";
}

}  // namespace
}  // namespace objectpipes::ais
