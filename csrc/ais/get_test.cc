#include "ais/get.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/ais_cluster.h"

namespace objectpipes::ais {
namespace {

class AisGet : public AisTest {};

TEST_F(AisGet, AsksTheTargetItselfAndGivesItNoToken) {
  EXPECT_EQ(Get()->body, "body of GET /v1/objects/b/k?provider=ais HTTP/1.1");
  EXPECT_TRUE(proxy_.reads().empty());
  EXPECT_EQ(target_.reads().front().find("authorization"), std::string::npos);
  EXPECT_NE(proxy_.requests().front().find("authorization: Bearer token"), std::string::npos);
}

// A target that is asked for a bucket hangs up.
TEST_F(AisGet, AsksTheProxyForTheBucketOnce) {
  Get();
  Get();
  EXPECT_EQ(proxy_.requests().size(), 2U);
  EXPECT_EQ(LineOf(proxy_.requests()[1]), "HEAD /v1/buckets/b?provider=ais HTTP/1.1");
  EXPECT_EQ(target_.requests().size(), 2U);
}

TEST_F(AisGet, AsksForTheBucketAgainWhileNobodyCanTell) {
  bucket_replies_ = {Error("503 Service Unavailable", "", ""), Error("403 Forbidden", "", "")};
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Get()->outcome.ok());
  const auto requests = proxy_.requests();
  EXPECT_EQ(std::count_if(requests.begin(), requests.end(),
                          [](const std::string& r) { return Asks(r, "/v1/buckets/"); }),
            2);
}

// "bytes=" and what is no range make a target panic with the object locked, and AIStore refuses any
// range of an object without bytes.
TEST_F(AisGet, SendsARangeOnlyForAPiece) {
  Get();
  EXPECT_EQ(target_.reads()[0].find("range"), std::string::npos);
  GetRequest piece = ForKey("k");
  piece.begin = 5;
  Get(piece);
  EXPECT_NE(target_.reads()[1].find("\r\nrange: bytes=5-\r\n"), std::string::npos);
  piece.end = 6;
  Get(piece);
  EXPECT_NE(target_.reads()[2].find("\r\nrange: bytes=5-5\r\n"), std::string::npos);
}

TEST_F(AisGet, SetsNoConditionBecauseAIStoreIgnoresIt) {
  GetRequest request = ForKey("k");
  request.if_match = "1||4";
  const auto getter = Get(request);
  EXPECT_FALSE(getter->head->can_pin);
  EXPECT_EQ(target_.reads()[0].find("if-"), std::string::npos);
}

TEST_F(AisGet, AsksForOneMemberOfAnArchiveAndNeverForAPattern) {
  Get(ForKey("shard.zip/dir/m"));
  EXPECT_EQ(LineOf(target_.reads()[0]),
            "GET /v1/objects/b/shard.zip?archpath=dir%2Fm&provider=ais HTTP/1.1");
}

// A range of a member is an error in AIStore. The engine skips what it has already.
TEST_F(AisGet, AsksForAMemberAsAWhole) {
  GetRequest piece = ForKey("shard.tar/m");
  piece.begin = 5;
  const auto getter = Get(piece);
  EXPECT_EQ(target_.reads()[0].find("range"), std::string::npos);
  EXPECT_EQ(getter->head->begin, 0U);
  EXPECT_EQ(getter->body, "body of " + LineOf(target_.reads()[0]));
}

const std::string kHeadOfTen =
    "HTTP/1.1 200 OK\r\ncontent-length: 10\r\nais-version: 7\r\n"
    "ais-checksum-type: xxhash2\r\nais-checksum-value: 0123456789abcdef\r\n\r\n";

TEST_F(AisGet, WhereAChecksumIsOfTheRangeTheObjectIsIdentifiedFirst) {
  checksums_ranges_ = true;
  target_replies_ = {
      kHeadOfTen,
      "HTTP/1.1 206 Partial Content\r\ncontent-length: 2\r\n"
      "content-range: bytes 8-9/10\r\nais-version: 7\r\n"
      "ais-checksum-type: xxhash2\r\nais-checksum-value: 00000000000000aa\r\n\r\nij"};
  GetRequest piece = ForKey("k");
  piece.begin = 8;
  const auto getter = Get(piece);
  EXPECT_EQ(getter->body, "ij");
  EXPECT_EQ(getter->head->version, "7|0123456789abcdef|10");
  EXPECT_EQ(LineOf(target_.reads()[0]), "HEAD /v1/objects/b/k?provider=ais HTTP/1.1");
  EXPECT_EQ(target_.reads()[0].find("range"), std::string::npos);
}

TEST_F(AisGet, AnObjectThatIsIdentifiedMustBeTheListedOne) {
  checksums_ranges_ = true;
  target_replies_ = {kHeadOfTen};
  GetRequest piece = ForKey("k");
  piece.begin = 8;
  piece.object.listed = {10, "fedcba9876543210", "7"};
  EXPECT_EQ(Get(piece)->outcome.code(), StatusCode::kObjectChanged);
  EXPECT_EQ(target_.reads().size(), 1U);
}

TEST_F(AisGet, WithAnEtlATargetMaySendUsOn) {
  etl_name_ = "resize";
  target_replies_ = {RedirectTo(target_.url() + "/pod/k?a=b")};
  EXPECT_EQ(Get()->body, "body of GET /pod/k?a=b HTTP/1.1");
  target_replies_.assign(2, RedirectTo(target_.url() + "/v1/objects/b/k"));
  EXPECT_FALSE(Get()->outcome.ok()) << "once";
}

TEST_F(AisGet, OtherwiseATargetMayNot) {
  target_replies_ = {RedirectTo(target_.url() + "/pod/k?a=b")};
  EXPECT_FALSE(Get()->outcome.ok());
}

TEST_F(AisGet, WithoutAMapEverythingGoesThroughTheProxy) {
  shows_map_ = false;
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_EQ(proxy_.reads().size(), 1U);
}

TEST_F(AisGet, ASuccessThatContradictsItselfIsRepeatedThroughTheProxy) {
  target_replies_ = {
      "HTTP/1.1 206 Partial Content\r\ncontent-length: 0\r\ncontent-range: bytes 0--1/0\r\n\r\n"};
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kProtocol);
  EXPECT_EQ(getter->hint.kind, Kind::kRetry);
  EXPECT_EQ(getter->hint.route, Route::kFallback);
}

TEST_F(AisGet, AWebPageIsNoObject) {
  target_replies_ = {
      Reply("<html>Please log in</html>", "content-type: text/html; charset=utf-8\r\n")};
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kEndpoint);
  EXPECT_FALSE(getter->head.has_value());
}

TEST_F(AisGet, WhatIsNotAsListedIsAChangedObject) {
  GetRequest request = ForKey("k");
  request.object.listed.version = "2";
  const auto getter = Get(request);
  EXPECT_EQ(getter->outcome.code(), StatusCode::kObjectChanged);
  EXPECT_EQ(getter->hint.kind, Kind::kFatal);
}

}  // namespace
}  // namespace objectpipes::ais
