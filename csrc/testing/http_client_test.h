// For tests of HTTP: a handler that does what a test says, and servers for it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "testing/engine_test.h"
#include "testing/loop_test.h"
#include "testing/loopback_server.h"
#include "transport/http/http_client.h"

namespace objectpipes {

using Peer = LoopbackServer::Peer;
inline constexpr size_t kKiB = size_t{1} << 10;
inline constexpr size_t kMiB = size_t{1} << 20;

// Receives one reply, and says what a test tells it to say.
class Receiver final : public HttpHandler {
 public:
  void OnConnected() override { ++connected; }
  Flow OnHead(const HttpHead& head) override {
    EXPECT_EQ(status, 0) << "OnHead comes once";
    status = head.status();
    etag = head.Get("etag");
    return at_head;
  }
  Space OnSpace() override {
    if (own_space.empty()) return {};
    return {own_space.data(), own_space.size()};
  }
  Flow OnData(const char* data, size_t size) override {
    if (body.size() >= pause_at) return Flow::kPause;
    if (body.size() >= stop_at) return Flow::kStop;
    body.append(data, size);
    if (on_data) on_data();
    return Flow::kContinue;
  }
  void OnDone(const Status& outcome_of_exchange) override {
    outcome = outcome_of_exchange;
    exchange.reset();
    done.Set();
  }

  std::unique_ptr<Exchange> exchange;
  Flow at_head = Flow::kContinue;
  std::function<void()> on_data;
  size_t pause_at = SIZE_MAX;
  size_t stop_at = SIZE_MAX;
  std::string own_space;
  int connected = 0;
  int status = 0;
  std::string etag;
  std::string body;
  Status outcome;
  Signal done;
};

class HttpClientTest : public LoopTest {
 protected:
  HttpClientTest() {
    options_.user_agent = "test";
    options_.connect_timeout_ms = 10'000;
    options_.stall_timeout_ms = 10'000;
  }
  ~HttpClientTest() override {
    OnLoop([this] { session_.reset(); });
  }

  void Start(const HttpRequest& request, Receiver* receiver) {
    OnLoop([&] {
      if (session_ == nullptr) session_ = std::make_unique<HttpSession>(&loop_.http(), options_);
      receiver->exchange = session_->Start(request, receiver);
    });
  }
  void Start(const std::string& url, Receiver* receiver) {
    HttpRequest request;
    request.url = url;
    Start(request, receiver);
  }
  // The outcome of a GET.
  Status Get(const std::string& url, Receiver* receiver) {
    Start(url, receiver);
    EXPECT_TRUE(receiver->done.Wait());
    return receiver->outcome;
  }
  // Of one whose reply is `text`, after which the server closes.
  Status GetReply(const std::string& text, Receiver* receiver) {
    LoopbackServer server([&text](Peer* peer) {
      peer->ReadRequest();
      peer->Send(text);
    });
    return Get(server.url("/"), receiver);
  }

  HttpOptions options_;
  std::unique_ptr<HttpSession> session_;
};

// Serves "/<size>" with that many bytes, as long as the client likes.
inline void ServeSizes(Peer* peer) {
  for (std::string request = peer->ReadRequest(); !request.empty(); request = peer->ReadRequest()) {
    const size_t size = std::stoul(request.substr(request.find('/') + 1));
    if (!peer->Send(Reply(Pattern(size, size)))) return;
  }
}

// Answers every request with an empty body.
inline void ServeEmpty(Peer* peer) {
  while (!peer->ReadRequest().empty()) {
    if (!peer->Send(Reply(""))) return;
  }
}

}  // namespace objectpipes
