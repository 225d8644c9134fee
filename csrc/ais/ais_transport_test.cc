#include "ais/ais_transport.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ais/list_page.h"
#include "ais/tar_stream.h"
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

// A node of a cluster. What a test does not set is answered as a plain cluster would.
class Node {
 public:
  explicit Node(std::function<std::string(const std::string&)> answer)
      : answer_(std::move(answer)), server_([this](Peer* peer) {
          for (auto head = peer->ReadRequest(); !head.empty(); head = peer->ReadRequest()) {
            if (!peer->Send(answer_(head))) return;
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
          if (Asks(request, "/v1/ml/moss/"))
            return Next(&batches_).value_or(Error("404 No", "", ""));
          for (const auto& [key, reply] : objects_) {
            if (Asks(request, "/v1/objects/b/" + key + "?")) return reply;
          }
          return Next(&target_replies_).value_or(Found("body of " + LineOf(request)));
        }),
        proxy_([this](const std::string& request) { return AnswerOfProxy(request); }) {
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
    if (Asks(request, "/v1/ml/moss/")) {
      return RedirectTo(target_.url() + "/v1/ml/moss/b/job?pid=p");
    }
    return Next(&proxy_replies_).value_or(RedirectTo(target_.url() + "/v1/objects/b/k?pid=p"));
  }

  std::string Map(int version = 1) const {
    const std::string target = R"({"public_net":{"direct_url":")" + target_.url() +
                               R"("},"daemon_id":"t1","flags":0,"id_digest":7})";
    const std::string proxy = R"({"public_net":{"direct_url":"http://p"},"daemon_id":"p1"})";
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
      options.batch = batch_;
      options.read.etl_name = etl_name_;
      options.http.stall_timeout_ms = 10'000;
      transport_ = std::make_unique<AisTransport>(&loop_.http(), &loop_, options, credentials_);
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
  // Asks for all of them before any reply can come.
  std::vector<std::unique_ptr<Getter>> StartAll(const std::vector<GetRequest>& requests) {
    std::vector<std::unique_ptr<Getter>> getters;
    OnLoop([&] {
      for (const GetRequest& request : requests) {
        getters.push_back(std::make_unique<Getter>());
        getters.back()->exchange = transport()->StartGet(request, getters.back().get());
      }
    });
    return getters;
  }
  // Their bodies, or what their requests failed with.
  std::vector<std::string> GetAll(const std::vector<GetRequest>& requests) {
    std::vector<std::string> bodies;
    for (const auto& getter : StartAll(requests)) {
      EXPECT_TRUE(getter->done.Wait());
      bodies.push_back(getter->outcome.ok() ? getter->body : getter->outcome.message());
    }
    return bodies;
  }
  size_t batches_asked_for() const {
    size_t found = 0;
    for (const std::string& request : proxy_.requests()) found += Asks(request, "/v1/ml/moss/");
    return found;
  }
  // What was asked for in the first of them.
  std::string first_batch() const {
    for (const std::string& request : proxy_.requests()) {
      if (Asks(request, "/v1/ml/moss/")) return request.substr(request.find("\r\n\r\n"));
    }
    return "";
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
  size_t batch_ = 0;
  std::string etl_name_;
  bool shows_map_ = true;
  bool checksums_ranges_ = false;
  std::mutex mutex_;  // guards what nodes say next
  std::vector<std::string> maps_;
  std::vector<std::string> bucket_replies_;
  std::map<std::string, std::string> objects_;  // what the target replies, by key, always
  std::vector<std::string> target_replies_;     // and to other reads
  std::vector<std::string> proxy_replies_;
  std::vector<std::string> batches_;  // what a target replies to them
  Node target_;
  Node proxy_;
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
  proxy_replies_ = {RedirectTo("/v1/objects/b/k?pid=p")};
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
// Get-batch

GetRequest Listed(const std::string& key, int64_t size) {
  GetRequest request;
  request.object = ObjectId{"ais/@#/b", key, {size, "0123456789abcdef", "7"}};
  return request;
}

std::string Member(const std::string& name, const std::string& body) {
  std::string header = name;
  header.resize(512);
  char size[12];
  std::snprintf(size, sizeof(size), "%011o", static_cast<unsigned>(body.size()));
  header.replace(124, 11, size);
  header[156] = '0';
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<uint8_t>(c);
  char checksum[8];
  std::snprintf(checksum, sizeof(checksum), "%06o", sum);
  header.replace(148, 7, std::string(checksum, 7));
  return header + body + std::string((512 - body.size() % 512) % 512, '\0');
}

const std::string kTarEnd(1024, '\0');

TEST_F(AisTransportTest, WhatWasListedComesInOneBatch) {
  batch_ = 10;
  batches_ = {Reply(Member("a", "first") + Member("b", "") + Member("c", "third") + kTarEnd)};
  auto getters = StartAll({Listed("a", 5), Listed("b", 0), Listed("c", 5)});
  std::vector<std::string> bodies;
  for (const auto& getter : getters) {
    ASSERT_TRUE(getter->done.Wait());
    EXPECT_TRUE(getter->outcome.ok());
    bodies.push_back(getter->body);
  }
  EXPECT_EQ(bodies, std::vector<std::string>({"first", "", "third"}));
  EXPECT_EQ(getters[0]->head->version, "7|0123456789abcdef|5");
  EXPECT_EQ(getters[0]->head->checksum.type, ChecksumType::kXxh64);
  EXPECT_EQ(batches_asked_for(), 1U);
  EXPECT_TRUE(target_.reads().empty());
}

TEST_F(AisTransportTest, MembersBehindTheLastOneAreLeftAlone) {
  batch_ = 10;
  batches_ = {Reply(Member("a", "first") + Member("b", "") + Member("b", "") + kTarEnd)};
  EXPECT_EQ(GetAll({Listed("a", 5), Listed("b", 0)}), std::vector<std::string>({"first", ""}));
}

// They push the last one that is wanted out of the target's buffers. None is asked for so often
// that AIStore cuts the batch if it is missing: at the ninth that is.
TEST_F(AisTransportTest, ABatchEndsInTheSmallestMembersAgain) {
  batch_ = 10;
  batches_ = {Reply(Member("a", "first") + Member("b", "other") + Member("c", "") + kTarEnd)};
  GetAll({Listed("a", 5), Listed("b", 5), Listed("c", 0)});
  const std::string body = first_batch();
  size_t pushed = 0;
  for (const auto& [key, size] : {std::pair("a", 5U), std::pair("b", 5U), std::pair("c", 0U)}) {
    const std::string entry = std::string("\"objname\":\"") + key + "\"";
    size_t times = 0;
    for (size_t at = body.find(entry); at != std::string::npos; at = body.find(entry, at + 1)) {
      ++times;
    }
    EXPECT_GE(times, 2U) << key;
    EXPECT_LE(times, 8U) << key;
    pushed += (times - 1) * TarStream::SizeOf(size);
  }
  EXPECT_GE(pushed, 2048U + 4096U);
  EXPECT_LE(pushed, 8192U + 1024U);
}

TEST_F(AisTransportTest, OneObjectIsNoBatch) {
  batch_ = 10;
  target_replies_ = {Reply("first", "ais-version: 7\r\n")};
  EXPECT_EQ(GetAll({Listed("a", 5)}), std::vector<std::string>({"first"}));
  EXPECT_EQ(batches_asked_for(), 0U);
}

TEST_F(AisTransportTest, ABatchHasNoMoreObjectsThanItMay) {
  batch_ = 2;
  batches_.assign(2, Reply(Member("a", "a") + Member("a", "a") + kTarEnd));
  EXPECT_EQ(GetAll({Listed("a", 1), Listed("a", 1), Listed("a", 1), Listed("a", 1)}),
            std::vector<std::string>({"a", "a", "a", "a"}));
  EXPECT_EQ(batches_asked_for(), 2U);
}

TEST_F(AisTransportTest, ThereIsNoBatchWithoutAListingToCompareItWith) {
  batch_ = 10;
  GetRequest piece = Listed("a", 5);
  piece.begin = 1;
  GetRequest again = Listed("a", 5);
  again.route = Route::kFallback;
  GetRequest unlisted_member = ForKey("s.tar/m");
  for (const GetRequest& request :
       {ForKey("k"), piece, Listed("a", int64_t{2} << 20), again, unlisted_member}) {
    GetAll({request, request});
  }
  EXPECT_EQ(batches_asked_for(), 0U);
}

// Nor without a map, which tells whether a target is missing.
TEST_F(AisTransportTest, ThereIsNoBatchWithoutAMap) {
  batch_ = 10;
  shows_map_ = false;
  GetAll({Listed("a", 5), Listed("b", 5)});
  EXPECT_EQ(batches_asked_for(), 0U);
}

TEST_F(AisTransportTest, AfterAFailureWhatWaitsIsReadAlone) {
  batch_ = 2;
  batches_.assign(4, Reply(kTarEnd));
  target_replies_.assign(8, Reply("alone", "ais-version: 7\r\n"));
  EXPECT_EQ(GetAll(std::vector<GetRequest>(8, Listed("a", 5))),
            std::vector<std::string>(8, "alone"));
  EXPECT_EQ(batches_asked_for(), 2U);
}

// The end of a cut stream is that of a whole one.
TEST_F(AisTransportTest, WhatDoesNotComeInABatchIsReadAloneAndSoIsEverythingForAWhile) {
  batch_ = 10;
  batches_ = {Reply(Member("a", "first") + kTarEnd)};
  target_replies_.assign(4, Reply("alone", "ais-version: 7\r\n"));
  EXPECT_EQ(GetAll({Listed("a", 5), Listed("b", 5), Listed("b", 5)}),
            std::vector<std::string>({"first", "alone", "alone"}));
  EXPECT_EQ(GetAll({Listed("b", 5), Listed("b", 5)}), std::vector<std::string>({"alone", "alone"}));
  EXPECT_EQ(batches_asked_for(), 1U);
}

TEST_F(AisTransportTest, AnotherObjectThanTheListedOneIsReadAlone) {
  batch_ = 10;
  batches_ = {
      Reply(Member("__404__/a", "") + Member("b", "longer") + Member("c", "third") + kTarEnd),
      Reply(Member("c", "third") + Member("c", "third") + kTarEnd)};
  objects_ = {{"a", Error("404 Not Found", "ErrNotFound", "no")}, {"b", Found("x")}};
  const auto getters = StartAll({Listed("a", 5), Listed("b", 5), Listed("c", 5)});
  for (const auto& getter : getters) ASSERT_TRUE(getter->done.Wait());
  EXPECT_EQ(getters[0]->outcome.code(), StatusCode::kObjectNotFound);
  EXPECT_EQ(getters[1]->outcome.code(), StatusCode::kObjectChanged);
  EXPECT_EQ(getters[2]->body, "third");
  EXPECT_EQ(GetAll({Listed("c", 5), Listed("c", 5)}), std::vector<std::string>({"third", "third"}))
      << "that is no failure";
}

TEST_F(AisTransportTest, OfARefusedBatchEverythingIsReadAlone) {
  batch_ = 10;
  target_replies_ = {Reply("first", "ais-version: 7\r\n"), Reply("other", "ais-version: 7\r\n")};
  auto bodies = GetAll({Listed("a", 5), Listed("b", 5)});
  std::sort(bodies.begin(), bodies.end());
  EXPECT_EQ(bodies, std::vector<std::string>({"first", "other"}));
}

// AIStore takes 100 ms to end a batch, and one that waits for a lost node takes 20 s.
TEST_F(AisTransportTest, MembersAreHandedOverAtOnceAndSilenceEndsABatch) {
  batch_ = 10;
  const std::string whole = Reply(Member("a", "first") + Member("b", "other") + kTarEnd);
  batches_ = {whole.substr(0, whole.size() - 1534)};  // into the second member
  target_replies_ = {Reply("other", "ais-version: 7\r\n")};
  const auto getters = StartAll({Listed("a", 5), Listed("b", 5)});
  ASSERT_TRUE(getters[0]->done.Wait());
  EXPECT_TRUE(target_.reads().empty());
  ASSERT_TRUE(getters[1]->done.Wait());
  EXPECT_EQ(getters[1]->body, "other");
  EXPECT_EQ(target_.reads().size(), 1U);
}

TEST_F(AisTransportTest, WhoWaitsForAMemberMayLeave) {
  batch_ = 10;
  batches_ = {Reply(Member("a", "first") + Member("b", "other") + kTarEnd)};
  Get();  // now all is known that is needed for a batch
  const auto getters = StartAll({Listed("a", 5), Listed("b", 5)});
  OnLoop([&] { getters[0]->exchange.reset(); });
  ASSERT_TRUE(getters[1]->done.Wait());
  EXPECT_EQ(getters[1]->body, "other");
}

}  // namespace
}  // namespace objectpipes::ais
