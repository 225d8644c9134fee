#include "ais/ais_transport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ais/list_page.h"
#include "testing/loop_test.h"
#include "testing/loopback_server.h"
#include "testing/signal.h"

namespace objectpipes::ais {
namespace {

using Kind = RetryHint::Kind;
using Peer = LoopbackServer::Peer;
using std::string_literals::operator""s;

// Takes one reply. Like the engine it drops the exchange first, and looks at the status afterwards.
class Getter final : public GetHandler {
 public:
  Flow OnHead(const ReplyHead& reply_head) override {
    head = reply_head;
    return Flow::kContinue;
  }
  Flow OnData(const char* data, size_t size) override {
    body.append(data, size);
    return Flow::kContinue;
  }
  void OnDone(const Status& status, const RetryHint& retry_hint) override {
    exchange.reset();
    outcome = status;
    hint = retry_hint;
    done.Set();
  }

  std::unique_ptr<Exchange> exchange;
  std::optional<ReplyHead> head;
  std::string body;
  Status outcome;
  RetryHint hint;
  Signal done;
};

class Lister final : public ListHandler {
 public:
  void OnPage(Result<ListPage> result, const RetryHint& retry_hint) override {
    exchange.reset();
    page.emplace(std::move(result));
    hint = retry_hint;
    done.Set();
  }

  std::unique_ptr<Exchange> exchange;
  std::optional<Result<ListPage>> page;
  RetryHint hint;
  Signal done;
};

// In place of replies: the connection is closed, or nothing happens on it.
constexpr char kHangUp[] = "hang up";
constexpr char kSilence[] = "silence";

// A node of a cluster. What a test does not set is answered as a plain cluster would.
class Node {
 public:
  explicit Node(std::function<std::string(const std::string&)> answer)
      : answer_(std::move(answer)), server_([this](Peer* peer) {
          for (auto head = peer->ReadRequest(); !head.empty(); head = peer->ReadRequest()) {
            const std::string reply = answer_(head);
            if (reply == kSilence) return peer->AwaitEnd();
            if (reply == kHangUp || !peer->Send(reply)) return;
          }
        }) {}

  std::string url() const { return server_.url(""); }

  // The requests for objects, from their first line on.
  std::vector<std::string> reads() const {
    std::vector<std::string> found;
    for (const std::string& request : server_.requests()) {
      if (request.find(" /v1/objects/") != std::string::npos) found.push_back(request);
    }
    return found;
  }
  std::vector<std::string> requests() const { return server_.requests(); }

 private:
  const std::function<std::string(const std::string&)> answer_;
  LoopbackServer server_;
};

std::string LineOf(const std::string& request) { return request.substr(0, request.find("\r\n")); }

bool Asks(const std::string& request, const std::string& path) {
  return LineOf(request).find(" " + path) != std::string::npos;
}

std::string Error(const std::string& status, const std::string& tcode, const std::string& message) {
  const std::string body = R"({"tcode":")" + tcode + R"(","message":")" + message + "\"}";
  return "HTTP/1.1 " + status + "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::string Found(const std::string& body) {
  return Reply(body, "ais-version: 1\r\nais-checksum-type: none\r\n");
}

// A cluster of one proxy and one target, which both say what a test tells them to.
class AisTransportTest : public LoopTest {
 protected:
  AisTransportTest()
      : target_([this](const std::string& request) {
          for (const auto& [key, reply] : objects_) {
            if (Asks(request, "/v1/objects/b/" + key + "?")) return reply;
          }
          return Next(&target_replies_).value_or(Found("body of " + LineOf(request)));
        }),
        proxy_([this](const std::string& request) {
          const std::lock_guard<std::mutex> lock(dead_mutex_);
          return dead_.empty() ? AnswerOfProxy(request) : dead_;
        }),
        other_proxy_([this](const std::string& request) { return AnswerOfProxy(request); }) {
    credentials_->Set(Credentials{"", "", "token"});
  }
  ~AisTransportTest() override {
    OnLoop([this] { transport_.reset(); });
  }

  std::string AnswerOfProxy(const std::string& request) {
    if (Asks(request, "/v1/daemon")) {
      return shows_map_ ? Reply(Next(&maps_).value_or(Map())) : Error("403 No", "", "no");
    }
    if (Asks(request, "/v1/buckets") && request.rfind("HEAD", 0) == 0) {
      const std::string props = R"({"checksum":{"type":"xxhash2","enable_read_range":)";
      return Next(&bucket_replies_)
          .value_or("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nais-bucket-props: " + props +
                    (checksums_ranges_ ? "true" : "false") + "}}\r\n\r\n");
    }
    return Next(&proxy_replies_).value_or(RedirectTo(target_.url() + "/v1/objects/b/k?pid=p"));
  }

  std::string Map(int version = 1) const {
    const std::string target = R"({"public_net":{"direct_url":")" + target_.url() +
                               R"("},"daemon_id":"t1","flags":0,"id_digest":7})";
    const std::string proxy =
        R"({"public_net":{"direct_url":")" + other_proxy_.url() + R"("},"daemon_id":"p1"})";
    return R"({"pmap":{"p1":)" + proxy + R"(},"proxy_si":)" + proxy + R"(,"tmap":{"t1":)" + target +
           R"(},"uuid":"u","version":")" + std::to_string(version) + "\"}";
  }

  static std::string RedirectTo(const std::string& location) {
    return "HTTP/1.1 301 Moved Permanently\r\nlocation: " + location +
           "\r\ncontent-length: 4\r\n\r\nhtml";
  }

  std::optional<std::string> Next(std::vector<std::string>* replies) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (replies->empty()) return std::nullopt;
    std::string reply = std::move(replies->front());
    replies->erase(replies->begin());
    return reply;
  }

  AisTransport* transport() {
    if (transport_ == nullptr) {
      Options options;
      options.endpoint_url = proxy_.url();
      options.read.etl_name = etl_name_;
      options.http.stall_timeout_ms = stall_timeout_ms_;
      transport_ = std::make_unique<AisTransport>(&loop_.http(), options, credentials_);
    }
    return transport_.get();
  }

  std::unique_ptr<Getter> Get(const GetRequest& request) {
    auto getter = std::make_unique<Getter>();
    OnLoop([&] { getter->exchange = transport()->StartGet(request, getter.get()); });
    EXPECT_TRUE(getter->done.Wait());
    return getter;
  }
  std::unique_ptr<Getter> Get(Route route = Route::kDefault) {
    GetRequest request = ForKey("k");
    request.route = route;
    return Get(request);
  }
  static GetRequest ForKey(const std::string& key) {
    GetRequest request;
    request.object = ObjectId{"ais/@#/b", key};
    return request;
  }
  std::unique_ptr<Lister> List(Route route = Route::kDefault) {
    ListRequest request;
    request.bucket = "ais/@#/b";
    request.route = route;
    auto lister = std::make_unique<Lister>();
    OnLoop([&] { lister->exchange = transport()->StartList(request, lister.get()); });
    EXPECT_TRUE(lister->done.Wait());
    return lister;
  }

  std::shared_ptr<CredentialStore> credentials_ = std::make_shared<CredentialStore>();
  std::string etl_name_;
  int64_t stall_timeout_ms_ = 10'000;
  bool shows_map_ = true;
  bool checksums_ranges_ = false;
  std::mutex mutex_;  // guards what nodes say next
  std::vector<std::string> maps_;
  std::vector<std::string> bucket_replies_;
  std::map<std::string, std::string> objects_;  // what the target replies, by key, always
  std::vector<std::string> target_replies_;     // and to other reads
  std::vector<std::string> proxy_replies_;
  std::mutex dead_mutex_;
  std::string dead_;  // what the proxy does instead of answering; empty: it answers
  Node target_;
  Node proxy_;
  Node other_proxy_;  // the one in the map
  std::unique_ptr<AisTransport> transport_;
};

TEST_F(AisTransportTest, AsksTheTargetItselfAndGivesItNoToken) {
  EXPECT_EQ(Get()->body, "body of GET /v1/objects/b/k?provider=ais HTTP/1.1");
  EXPECT_TRUE(proxy_.reads().empty());
  EXPECT_EQ(target_.reads().front().find("authorization"), std::string::npos);
  EXPECT_NE(proxy_.requests().front().find("authorization: Bearer token"), std::string::npos);
}

// A target that is asked for a bucket hangs up.
TEST_F(AisTransportTest, AsksTheProxyForTheBucketOnce) {
  Get();
  Get();
  EXPECT_EQ(proxy_.requests().size(), 2U);
  EXPECT_EQ(LineOf(proxy_.requests()[1]), "HEAD /v1/buckets/b?provider=ais HTTP/1.1");
  EXPECT_EQ(target_.requests().size(), 2U);
}

TEST_F(AisTransportTest, AsksForTheBucketAgainWhileNobodyCanTell) {
  bucket_replies_ = {Error("503 Service Unavailable", "", ""), Error("403 Forbidden", "", "")};
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Get()->outcome.ok());
  const auto requests = proxy_.requests();
  EXPECT_EQ(std::count_if(requests.begin(), requests.end(),
                          [](const std::string& r) { return Asks(r, "/v1/buckets/"); }),
            2);
}

// "bytes=" and what is no range make a target panic with the object locked, and AIStore refuses any
// range of an object without bytes.
TEST_F(AisTransportTest, SendsARangeOnlyForAPiece) {
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

TEST_F(AisTransportTest, SetsNoConditionBecauseAIStoreIgnoresIt) {
  GetRequest request = ForKey("k");
  request.if_match = "1||4";
  const auto getter = Get(request);
  EXPECT_FALSE(getter->head->can_pin);
  EXPECT_EQ(target_.reads()[0].find("if-"), std::string::npos);
}

TEST_F(AisTransportTest, AsksForOneMemberOfAnArchiveAndNeverForAPattern) {
  Get(ForKey("shard.zip/dir/m"));
  EXPECT_EQ(LineOf(target_.reads()[0]),
            "GET /v1/objects/b/shard.zip?archpath=dir%2Fm&provider=ais HTTP/1.1");
}

// A range of a member is an error in AIStore. The engine skips what it has already.
TEST_F(AisTransportTest, AsksForAMemberAsAWhole) {
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

TEST_F(AisTransportTest, WhereAChecksumIsOfTheRangeTheObjectIsIdentifiedFirst) {
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

TEST_F(AisTransportTest, AnObjectThatIsIdentifiedMustBeTheListedOne) {
  checksums_ranges_ = true;
  target_replies_ = {kHeadOfTen};
  GetRequest piece = ForKey("k");
  piece.begin = 8;
  piece.object.listed = {10, "fedcba9876543210", "7"};
  EXPECT_EQ(Get(piece)->outcome.code(), StatusCode::kObjectChanged);
  EXPECT_EQ(target_.reads().size(), 1U);
}

TEST_F(AisTransportTest, WithAnEtlATargetMaySendUsOn) {
  etl_name_ = "resize";
  target_replies_ = {RedirectTo(target_.url() + "/pod/k?a=b")};
  EXPECT_EQ(Get()->body, "body of GET /pod/k?a=b HTTP/1.1");
  target_replies_.assign(2, RedirectTo(target_.url() + "/v1/objects/b/k"));
  EXPECT_FALSE(Get()->outcome.ok()) << "once";
}

TEST_F(AisTransportTest, OtherwiseATargetMayNot) {
  target_replies_ = {RedirectTo(target_.url() + "/pod/k?a=b")};
  EXPECT_FALSE(Get()->outcome.ok());
}

// Names come unencoded in a Location, with control characters as they are or as spaces.
TEST_F(AisTransportTest, FollowsARedirectToTheTargetWithItsOwnPath) {
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

TEST_F(AisTransportTest, ARedirectToNowhereIsAFailureToBeRepeated) {
  proxy_replies_ = {RedirectTo("ftp://t/v1/objects/b/k?pid=p")};
  const auto getter = Get(Route::kFallback);
  EXPECT_EQ(getter->outcome.code(), StatusCode::kProtocol);
  EXPECT_EQ(getter->hint.kind, Kind::kRetry);
}

TEST_F(AisTransportTest, WhatATargetRefusesIsAskedOfTheProxyAtOnce) {
  for (const auto& [status, tcode] : {std::pair("404 Not Found", "ErrNotFound"),
                                      std::pair("400 Bad Request", "ErrBckNotFound")}) {
    target_replies_ = {Error(status, tcode, "no")};
    const auto getter = Get();
    EXPECT_EQ(getter->hint.kind, Kind::kRetryNow) << status;
    EXPECT_EQ(getter->hint.route, Route::kFallback) << status;
  }
  EXPECT_EQ(Get(Route::kFallback)->body, "body of GET /v1/objects/b/k?pid=p HTTP/1.1");
}

TEST_F(AisTransportTest, AfterOneRefusalTargetsAreNoLongerAskedDirectly) {
  target_replies_ = {Error("403 Forbidden", "", "direct target access denied")};
  EXPECT_EQ(Get()->hint.kind, Kind::kRetryNow);
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_EQ(proxy_.reads().size(), 1U);
}

TEST_F(AisTransportTest, WithoutAMapEverythingGoesThroughTheProxy) {
  shows_map_ = false;
  EXPECT_TRUE(Get()->outcome.ok());
  EXPECT_EQ(proxy_.reads().size(), 1U);
}

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

TEST_F(AisTransportTest, NotFoundIsFinalWhileNoTargetIsMissing) {
  proxy_replies_ = {Error("404 Not Found", "ErrNotFound", "no such object")};
  const auto getter = Get(Route::kFallback);
  EXPECT_EQ(getter->outcome.code(), StatusCode::kObjectNotFound);
  EXPECT_EQ(getter->hint.kind, Kind::kFatal);
}

// Another process has listed it: this one knows no more of the cluster than how many targets it
// had.
TEST_F(AisTransportTest, NotFoundMeansNothingWhileThereAreFewerTargetsThanWhenItWasListed) {
  proxy_replies_.assign(2, Error("404 Not Found", "ErrNotFound", "no such object"));
  GetRequest request = ForKey("k");
  request.route = Route::kFallback;
  request.object.listed.targets = 3;
  const auto getter = Get(request);
  EXPECT_EQ(getter->outcome.code(), StatusCode::kEndpoint);
  EXPECT_EQ(getter->outcome.message(),
            "The object is not found while the cluster has 1 of the 3 targets with which it was"
            " listed: ais://b/k");
  EXPECT_EQ(getter->outcome.detail().code, "TargetMissing");
  EXPECT_EQ(getter->outcome.detail().http_status, 404);
  EXPECT_EQ(getter->hint.kind, Kind::kFatal);
  request.object.listed.targets = 1;
  EXPECT_EQ(Get(request)->outcome.code(), StatusCode::kObjectNotFound);
}

TEST_F(AisTransportTest, NotFoundMeansWhatItSaysToWhomTheMapIsNotShown) {
  shows_map_ = false;
  proxy_replies_ = {Error("404 Not Found", "ErrNotFound", "no such object")};
  GetRequest request = ForKey("k");
  request.object.listed.targets = 3;
  EXPECT_EQ(Get(request)->outcome.code(), StatusCode::kObjectNotFound);
}

TEST_F(AisTransportTest, TooManyRequestsWithoutATimeToWaitIsThrottling) {
  proxy_replies_ = {Error("429 Too Many Requests", "ErrRateLimitFrontend", "Too Many Requests")};
  const auto getter = Get(Route::kFallback);
  EXPECT_EQ(getter->outcome.code(), StatusCode::kThrottled);
  EXPECT_EQ(getter->hint.kind, Kind::kThrottled);
  EXPECT_EQ(getter->hint.retry_after_ms, -1);
}

TEST_F(AisTransportTest, AnEmpty503IsAClusterThatIsNotReady) {
  const std::string reply = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
  proxy_replies_ = {reply, reply};
  EXPECT_EQ(Get(Route::kFallback)->hint.kind, Kind::kRetry);
  EXPECT_EQ(List()->hint.kind, Kind::kRetry);
}

TEST_F(AisTransportTest, A400AboutALostNodeIsRepeatedOnceTheClusterMayHaveNoticed) {
  proxy_replies_ = {
      Error("400 Bad Request", "ErrFailedTo", "dial tcp 127.0.0.1:1: connection refused"),
      Error("400 Bad Request", "ErrFailedTo", "invalid UUID")};
  const auto lost = List();
  EXPECT_EQ(lost->page->status().code(), StatusCode::kServer);
  EXPECT_EQ(lost->hint.kind, Kind::kRetry);
  EXPECT_GE(lost->hint.retry_after_ms, 1000);
  EXPECT_EQ(List()->hint.kind, Kind::kFatal) << "others are final";
}

TEST_F(AisTransportTest, ASuccessThatContradictsItselfIsRepeatedThroughTheProxy) {
  target_replies_ = {
      "HTTP/1.1 206 Partial Content\r\ncontent-length: 0\r\ncontent-range: bytes 0--1/0\r\n\r\n"};
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kProtocol);
  EXPECT_EQ(getter->hint.kind, Kind::kRetry);
  EXPECT_EQ(getter->hint.route, Route::kFallback);
}

TEST_F(AisTransportTest, AWebPageIsNoObject) {
  target_replies_ = {
      Reply("<html>Please log in</html>", "content-type: text/html; charset=utf-8\r\n")};
  const auto getter = Get();
  EXPECT_EQ(getter->outcome.code(), StatusCode::kEndpoint);
  EXPECT_FALSE(getter->head.has_value());
}

TEST_F(AisTransportTest, WhatIsNotAsListedIsAChangedObject) {
  GetRequest request = ForKey("k");
  request.object.listed.version = "2";
  const auto getter = Get(request);
  EXPECT_EQ(getter->outcome.code(), StatusCode::kObjectChanged);
  EXPECT_EQ(getter->hint.kind, Kind::kFatal);
}

// ---------------------------------------------------------------------------------------------------
// Listings

const std::string kLastPage =
    "\x84\xA4UUID\xA1j\xB1"
    "ContinuationToken\xA0\xA7"
    "Entries\x90\xA5"
    "Flags\0"s;

// A target that left and came back is in both maps.
TEST_F(AisTransportTest, APageDuringWhichTheClusterChangedIsListedAgain) {
  maps_ = {Map(1), Map(3)};
  proxy_replies_.assign(2, Reply(kLastPage));
  const auto lister = List();
  EXPECT_EQ(lister->page->status().code(), StatusCode::kServer);
  EXPECT_EQ(lister->hint.kind, Kind::kRetryNow);
  EXPECT_EQ(lister->hint.route, Route::kFallback);
  EXPECT_TRUE(List(Route::kFallback)->page->ok());
}

TEST_F(AisTransportTest, EveryPageIsFollowedByALookAtTheMap) {
  const std::string token = "\xA1t";
  std::string page = kLastPage;
  page.replace(page.find("\xA0\xA7"), 1, token);
  maps_ = {Map(1), Map(1), Map(2)};
  proxy_replies_.assign(2, Reply(page));
  EXPECT_TRUE(List()->page->ok());
  EXPECT_FALSE(List()->page->ok());
}

TEST_F(AisTransportTest, APageTellsHowManyTargetsThereAre) {
  proxy_replies_.assign(2, Reply(kLastPage));
  EXPECT_EQ(List()->page->value().targets, 1);
  OnLoop([this] { transport_.reset(); });
  shows_map_ = false;
  EXPECT_EQ(List()->page->value().targets, -1);
}

// ---------------------------------------------------------------------------------------------------
// The gateway that was configured is lost, and the map names another one

class LostGatewayTest : public AisTransportTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    stall_timeout_ms_ = GetParam() == std::string(kSilence) ? 300 : 10'000;
    const std::lock_guard<std::mutex> lock(mutex_);
    proxy_replies_ = {Reply(kLastPage)};
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
    proxy_replies_ = {Reply(kLastPage)};
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
  dead_ = GetParam();
  const auto failed = List();
  EXPECT_FALSE(failed->page->ok());
  EXPECT_EQ(failed->hint.kind, Kind::kRetry);
  EXPECT_TRUE(other_proxy_.requests().empty());
}

}  // namespace
}  // namespace objectpipes::ais
