#include "transport/http/http_client.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "testing/http_client_test.h"
#include "testing/name_server.h"

namespace objectpipes {
namespace {

// ---------------------------------------------------------------------------------------------------
// Requests

TEST_F(HttpClientTest, DoesNotSendWhatWouldBeAnotherRequest) {
  LoopbackServer server(ServeEmpty);
  Receiver receiver;
  EXPECT_EQ(Get(server.url("/a HTTP/1.1\r\nhost: b\r\n\r\nPUT /c"), &receiver).code(),
            StatusCode::kInvalidArgument);
  HttpRequest request;
  request.url = server.url("/");
  request.headers = {"authorization: Bearer token\n"};
  Receiver other;
  Start(request, &other);
  ASSERT_TRUE(other.done.Wait());
  EXPECT_EQ(other.outcome.code(), StatusCode::kConfig);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(HttpClientTest, WhatIsNotSentCanBeGivenUp) {
  HttpRequest request;
  request.url = "http://127.0.0.1/ ";
  Receiver receiver;
  OnLoop([&] {
    session_ = std::make_unique<HttpSession>(&loop_.http(), options_);
    receiver.exchange = session_->Start(request, &receiver);
    receiver.exchange.reset();
  });
  OnLoop([] {});
  EXPECT_TRUE(receiver.outcome.ok()) << "no call follows";
}

// ---------------------------------------------------------------------------------------------------
// Connections

TEST_F(HttpClientTest, OneAfterTheOtherThereIsOneConnection) {
  LoopbackServer server(ServeSizes);
  for (int i = 0; i < 20; ++i) {
    Receiver receiver;
    EXPECT_TRUE(Get(server.url("/1000"), &receiver).ok());
  }
  EXPECT_EQ(server.connections(), 1);
}

// So that a handshake is not taken for the latency of requests.
TEST_F(HttpClientTest, TellsWhichRequestsWaitedForANewConnection) {
  LoopbackServer server(ServeSizes);
  Receiver first;
  EXPECT_TRUE(Get(server.url("/1000"), &first).ok());
  EXPECT_EQ(first.connected, 1);
  Receiver second;
  EXPECT_TRUE(Get(server.url("/1000"), &second).ok());
  EXPECT_EQ(second.connected, 0);
}

TEST_F(HttpClientTest, ManyAtOnceDoNotGetMixedUp) {
  LoopbackServer server(ServeSizes);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Receiver>> receivers;
    for (size_t i = 0; i < 40; ++i) {
      receivers.push_back(std::make_unique<Receiver>());
      Start(server.url("/" + std::to_string(i * 3001)), receivers.back().get());
    }
    for (size_t i = 0; i < 40; ++i) {
      ASSERT_TRUE(receivers[i]->done.Wait());
      EXPECT_TRUE(receivers[i]->outcome.ok());
      EXPECT_TRUE(SameBytes(receivers[i]->body, Pattern(i * 3001, i * 3001)));
    }
  }
  EXPECT_LE(server.connections(), 40);
}

TEST_F(HttpClientTest, DoesNotReuseWhatTheServerCloses) {
  LoopbackServer server([](Peer* peer) {
    peer->ReadRequest();
    peer->Send(Reply("body", "connection: close\r\n"));
    peer->AwaitEnd();
  });
  for (int i = 0; i < 3; ++i) {
    Receiver receiver;
    EXPECT_TRUE(Get(server.url("/"), &receiver).ok());
  }
  EXPECT_EQ(server.connections(), 3);
}

// A server may close an idle connection at any time, also just when the next request is on its way.
TEST_F(HttpClientTest, AConnectionThatWasClosedWhileIdleIsNoFailure) {
  LoopbackServer server([](Peer* peer) {
    peer->ReadRequest();
    peer->Send(Reply("body"));
  });
  for (int i = 0; i < 10; ++i) {
    Receiver receiver;
    EXPECT_TRUE(Get(server.url("/"), &receiver).ok());
    EXPECT_EQ(receiver.body, "body");
  }
  EXPECT_EQ(server.connections(), 10);
}

TEST_F(HttpClientTest, DoesNotReuseAConnectionThatSaysMoreThanItWasAsked) {
  LoopbackServer server([](Peer* peer) {
    peer->ReadRequest();
    peer->Send(Reply("body") + Reply("of nobody"));
    peer->AwaitEnd();
  });
  for (int i = 0; i < 3; ++i) {
    Receiver receiver;
    EXPECT_TRUE(Get(server.url("/"), &receiver).ok());
    EXPECT_EQ(receiver.body, "body");
  }
}

TEST_F(HttpClientTest, WhatComesTooLateForOneReplyIsNotTheNext) {
  LoopbackServer server([](Peer* peer) {
    peer->ReadRequest();
    peer->Send(Reply("body"));
    if (peer->ReadRequest().empty()) return;
    peer->Send("more of it" + Reply("body"));
    peer->AwaitEnd();
  });
  for (int i = 0; i < 4; ++i) {
    Receiver receiver;
    EXPECT_TRUE(Get(server.url("/"), &receiver).ok());
    EXPECT_EQ(receiver.body, "body");
  }
  EXPECT_EQ(server.connections(), 4);
}

TEST_F(HttpClientTest, GoesThroughTheProxyItIsToldAndAsksNoEnvironment) {
  LoopbackServer proxy([](Peer* peer) {
    peer->ReadRequest();
    peer->Send(Reply("body"));
  });
  setenv("no_proxy", "*", 1);
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  options_.proxy = proxy.url("");
  Receiver receiver;
  EXPECT_TRUE(Get("http://store.invalid:9000/key", &receiver).ok());
  EXPECT_EQ(receiver.body, "body");

  options_.proxy = "";
  OnLoop([this] { session_.reset(); });
  LoopbackServer server(ServeSizes);
  Receiver direct;
  EXPECT_TRUE(Get(server.url("/5"), &direct).ok());
  unsetenv("no_proxy");
  unsetenv("http_proxy");
}

// A store may name other hosts than its endpoint, such as the targets of an AIStore cluster.
TEST_F(HttpClientTest, DecidesForEachHostWhetherItBypassesTheProxy) {
  LoopbackServer proxy([](Peer* peer) {
    while (!peer->ReadRequest().empty() && peer->Send(Reply("by proxy"))) {
    }
  });
  LoopbackServer server([](Peer* peer) {
    while (!peer->ReadRequest().empty() && peer->Send(Reply("direct"))) {
    }
  });
  options_.proxy = proxy.url("");
  options_.no_proxy = "127.0.0.0/8,.svc";
  for (int i = 0; i < 2; ++i) {
    Receiver forwarded;
    EXPECT_TRUE(Get("http://store.invalid:9000/key", &forwarded).ok());
    EXPECT_EQ(forwarded.body, "by proxy");
    Receiver direct;
    EXPECT_TRUE(Get(server.url("/key"), &direct).ok());
    EXPECT_EQ(direct.body, "direct");
  }
}

TEST_F(HttpClientTest, NeedsNoUsableProxyForAHostThatBypassesIt) {
  LoopbackServer server(ServeSizes);
  options_.proxy = "socks5://127.0.0.1:1";
  options_.no_proxy = "127.0.0.1";
  Receiver direct;
  EXPECT_TRUE(Get(server.url("/5"), &direct).ok());
  Receiver forwarded;
  EXPECT_EQ(Get("http://store.invalid/key", &forwarded).code(), StatusCode::kConfig);
}

TEST_F(HttpClientTest, AsksAProxyForWhatIsNotEncrypted) {
  LoopbackServer proxy(ServeEmpty);
  options_.proxy = "http://me:pass%20word@" + proxy.url("").substr(7);
  for (int i = 0; i < 2; ++i) {
    Receiver receiver;
    EXPECT_TRUE(Get("http://store.invalid:9000/a%20key?x=1", &receiver).ok());
  }
  EXPECT_EQ(proxy.connections(), 1);
  for (const std::string& request : proxy.requests()) {
    EXPECT_EQ(request,
              "GET http://store.invalid:9000/a%20key?x=1 HTTP/1.1\r\nhost: store.invalid:9000\r\n"
              "user-agent: test\r\nproxy-authorization: Basic bWU6cGFzcyB3b3Jk\r\n\r\n");
  }
}

TEST_F(HttpClientTest, TunnelsWhatIsEncrypted) {
  LoopbackServer proxy([](Peer* peer) {
    peer->ReadRequest();
    peer->Send("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  options_.proxy = proxy.url("");
  Receiver receiver;
  EXPECT_EQ(Get("https://store.invalid/key", &receiver).code(), StatusCode::kEndpoint);
  EXPECT_EQ(receiver.outcome.detail().http_status, 403);
  const std::string tunnel = proxy.requests()[0];
  EXPECT_EQ(tunnel.substr(0, tunnel.find("\r\n")), "CONNECT store.invalid:443 HTTP/1.1");
}

TEST_F(HttpClientTest, TellsThatAProxyWantsAPassword) {
  LoopbackServer proxy([](Peer* peer) {
    peer->ReadRequest();
    peer->Send("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
  });
  options_.proxy = proxy.url("");
  Receiver receiver;
  EXPECT_EQ(Get("http://store.invalid/key", &receiver).code(), StatusCode::kEndpoint);
  EXPECT_EQ(receiver.outcome.detail().http_status, 407);
  EXPECT_EQ(receiver.status, 0) << "it is no reply of the server's";
}

// ---------------------------------------------------------------------------------------------------
// Idle connections

// A client on the thread of the test, which tells it the time.
class IdleConnectionsTest : public ::testing::Test {
 protected:
  // Makes this many requests at once, each over a connection of its own, which is idle afterwards.
  void Ask(size_t count) { Ask(std::vector<std::string>(count, server_.url("/"))); }
  void Ask(const std::vector<std::string>& urls) {
    std::vector<Receiver> receivers(urls.size());
    HttpRequest request;
    for (size_t i = 0; i < urls.size(); ++i) {
      request.url = urls[i];
      receivers[i].exchange = session_.Start(request, &receivers[i]);
    }
    const auto pending = [](const Receiver& receiver) { return receiver.exchange != nullptr; };
    while (std::any_of(receivers.begin(), receivers.end(), pending)) Turn(0);
  }

  // A turn so many milliseconds from now.
  void Turn(int64_t ahead_ms) {
    client_.Wait(ahead_ms == 0 ? 10 : 0);
    const int64_t now_ms = MonotonicMs() + ahead_ms;
    client_.BeginTurn(now_ms);
    client_.Advance(now_ms);
  }

  void AwaitClosed(int count) {
    while (closed_ < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  static HttpOptions Options() {
    HttpOptions options;
    options.connect_timeout_ms = options.stall_timeout_ms = 60'000;
    return options;
  }

  std::atomic<int> closed_{0};
  LoopbackServer server_{[this](Peer* peer) {
    ServeEmpty(peer);
    ++closed_;
  }};
  HttpClient client_;
  HttpSession session_{&client_, Options()};
};

TEST_F(IdleConnectionsTest, AreClosedAfterAMinute) {
  Ask(3);
  Turn(50'000);
  Ask(1);
  EXPECT_EQ(server_.connections(), 3) << "one was used again";
  EXPECT_EQ(closed_, 0);
  Turn(70'000);
  AwaitClosed(3);
  Ask(1);
  EXPECT_EQ(server_.connections(), 4);
}

TEST_F(IdleConnectionsTest, AreLimitedInNumber) {
  constexpr int kLimit = 256;
  // Three names of one server: each may have 128.
  const std::vector<std::string> names = {"127.0.0.1", "localhost", "LOCALHOST"};
  const std::string port = server_.url("/").substr(server_.url("/").rfind(':'));
  std::vector<std::string> urls;
  for (int i = 0; i < kLimit + 5; ++i)
    urls.push_back("http://" + names[static_cast<size_t>(i) % 3] + port);
  Ask(urls);
  Turn(0);
  AwaitClosed(5);
  urls.resize(static_cast<size_t>(kLimit) - 10);
  Ask(urls);
  EXPECT_LE(server_.connections(), kLimit + 10) << "the others stayed";
}

TEST_F(IdleConnectionsTest, AreLimitedForAnEndpoint) {
  Ask(HttpClient::kMaxPerEndpoint + 5);
  EXPECT_EQ(server_.connections(), static_cast<int>(HttpClient::kMaxPerEndpoint));
}

TEST_F(IdleConnectionsTest, EndWithTheirSession) {
  {
    HttpSession another(&client_, Options());
    Receiver receiver;
    HttpRequest request;
    request.url = server_.url("/");
    receiver.exchange = another.Start(request, &receiver);
    while (receiver.exchange != nullptr) Turn(0);
  }
  AwaitClosed(1);
  Turn(70'000);
}

// ---------------------------------------------------------------------------------------------------
// Limits

// A client on the thread of the test that may have three connections.
class LimitedConnectionsTest : public ::testing::Test {
 protected:
  static constexpr size_t kLimit = 3;

  static HttpOptions Options() {
    HttpOptions options;
    options.connect_timeout_ms = options.stall_timeout_ms = 60'000;
    return options;
  }
  static std::unique_ptr<Receiver> Start(HttpSession* session, const std::string& url) {
    auto receiver = std::make_unique<Receiver>();
    HttpRequest request;
    request.url = url;
    receiver->exchange = session->Start(request, receiver.get());
    return receiver;
  }
  template <typename Done>
  void Run(const Done& done) {
    const int64_t end_ms = MonotonicMs() + 30'000;
    while (!done() && MonotonicMs() < end_ms) {
      client_.Wait(10);
      client_.BeginTurn(MonotonicMs());
      client_.Advance(MonotonicMs());
    }
  }
  static bool Over(const std::vector<std::unique_ptr<Receiver>>& receivers) {
    return std::all_of(receivers.begin(), receivers.end(),
                       [](const auto& receiver) { return receiver->exchange == nullptr; });
  }

  std::atomic<int> open_{0};
  std::atomic<int> most_{0};
  LoopbackServer server_{[this](Peer* peer) {
    const int open = ++open_;
    for (int most = most_; open > most && !most_.compare_exchange_weak(most, open);) {
    }
    ServeSizes(peer);
    --open_;
  }};
  HttpClient client_{kLimit};
};

TEST_F(LimitedConnectionsTest, WhatFindsNoneWaits) {
  HttpSession session(&client_, Options());
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (size_t i = 0; i < 40; ++i) {
    receivers.push_back(Start(&session, server_.url("/" + std::to_string(i * 1000))));
  }
  receivers[20].reset();  // one that is not wanted any more while it waits
  receivers.erase(receivers.begin() + 20);
  Run([&] { return Over(receivers); });
  for (const auto& receiver : receivers) EXPECT_TRUE(receiver->outcome.ok());
  EXPECT_EQ(server_.connections(), static_cast<int>(kLimit)) << "and they were used again";
}

TEST_F(LimitedConnectionsTest, AreSharedByAllSessions) {
  std::vector<std::unique_ptr<HttpSession>> sessions;
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (int i = 0; i < 8; ++i) {
    sessions.push_back(std::make_unique<HttpSession>(&client_, Options()));
    for (int j = 0; j < 10; ++j) {
      receivers.push_back(Start(sessions.back().get(), server_.url("/5000")));
    }
  }
  Run([&] { return Over(receivers); });
  for (const auto& receiver : receivers) {
    EXPECT_TRUE(receiver->outcome.ok());
    EXPECT_EQ(receiver->body, Pattern(5000, 5000));
  }
  // The server may see the end of one only after the beginning of the next.
  EXPECT_LE(most_, static_cast<int>(kLimit) * 2);
}

// One session keeps all connections busy, for as long as there is work: another one gets some of
// them.
TEST_F(LimitedConnectionsTest, NobodyIsForgotten) {
  HttpSession greedy(&client_, Options());
  HttpSession modest(&client_, Options());
  std::vector<std::unique_ptr<Receiver>> greedy_ones;
  for (int i = 0; i < 20; ++i) greedy_ones.push_back(Start(&greedy, server_.url("/100000")));
  const std::unique_ptr<Receiver> late = Start(&modest, server_.url("/10"));
  Run([&] {
    for (std::unique_ptr<Receiver>& receiver : greedy_ones) {
      if (receiver->exchange == nullptr) receiver = Start(&greedy, server_.url("/100000"));
    }
    return late->exchange == nullptr;
  });
  EXPECT_TRUE(late->outcome.ok());
  EXPECT_EQ(late->body, Pattern(10, 10));
}

TEST_F(LimitedConnectionsTest, AnIdleOneMakesRoom) {
  LoopbackServer another(ServeSizes);
  HttpSession session(&client_, Options());
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (size_t i = 0; i < kLimit; ++i) receivers.push_back(Start(&session, server_.url("/1")));
  Run([&] { return Over(receivers); });
  receivers.push_back(Start(&session, another.url("/7")));
  Run([&] { return Over(receivers); });
  EXPECT_EQ(receivers.back()->body, Pattern(7, 7));
}

// A name that nobody resolves holds up nothing else.
TEST(HttpClientNames, ASilentNameServerHoldsUpNobodyElse) {
  NameServer names([](const std::string&) { return NameServer::Answer{true}; });
  HttpClient client(0, names.address());
  HttpOptions options;
  options.connect_timeout_ms = options.stall_timeout_ms = 60'000;
  HttpSession session(&client, options);
  LoopbackServer server(ServeSizes);
  Receiver unresolved;
  HttpRequest request;
  request.url = "http://store.test./1";
  unresolved.exchange = session.Start(request, &unresolved);
  for (int i = 0; i < 20; ++i) {
    Receiver receiver;
    request.url = server.url("/10");
    receiver.exchange = session.Start(request, &receiver);
    while (receiver.exchange != nullptr) {
      client.Wait(10);
      client.BeginTurn(MonotonicMs());
      client.Advance(MonotonicMs());
    }
    EXPECT_TRUE(receiver.outcome.ok());
  }
  EXPECT_NE(unresolved.exchange, nullptr);
}

// ---------------------------------------------------------------------------------------------------
// Large bodies

// The poller waits for many bytes of it, and a server may have few for a long time.
TEST_F(HttpClientTest, FewBytesOfALargeBodyAreNotHeldBack) {
  const std::string body = Pattern(kMiB);
  Signal received[3];
  LoopbackServer server([&](Peer* peer) {
    peer->ReadRequest();
    peer->Send(Reply(body).substr(0, Reply(body).size() - body.size()));
    for (size_t i = 0; i < 3; ++i) {
      peer->Send(body.substr(i * kKiB, kKiB));
      EXPECT_TRUE(received[i].Wait());
    }
    peer->Send(body.substr(3 * kKiB));
    peer->AwaitEnd();
  });
  Receiver receiver;
  receiver.on_data = [&] {
    for (size_t i = 0; i < 3; ++i) {
      if (receiver.body.size() == (i + 1) * kKiB) received[i].Set();
    }
  };
  EXPECT_TRUE(Get(server.url("/"), &receiver).ok());
  EXPECT_TRUE(SameBytes(receiver.body, body));
}

TEST_F(HttpClientTest, AByteBehindALargeBodyEndsTheConnection) {
  Signal received;
  Signal left;
  LoopbackServer server([&](Peer* peer) {
    peer->ReadRequest();
    peer->Send(Reply(Pattern(4 * kMiB)));
    EXPECT_TRUE(received.Wait());
    peer->Send("x");
    peer->AwaitEnd();
    left.Set();
  });
  Receiver receiver;
  EXPECT_TRUE(Get(server.url("/"), &receiver).ok());
  received.Set();
  EXPECT_TRUE(left.Wait());
}

// ---------------------------------------------------------------------------------------------------
// Failures

TEST_F(HttpClientTest, NobodyListens) {
  Receiver receiver;
  const Status status = Get("http://127.0.0.1:" + std::to_string(UnusedPort()) + "/", &receiver);
  EXPECT_EQ(status.code(), StatusCode::kEndpoint);
  EXPECT_NE(status.message(), "");
}

TEST_F(HttpClientTest, NoSuchHost) {
  Receiver receiver;
  EXPECT_EQ(Get("http://host.invalid/", &receiver).code(), StatusCode::kEndpoint);
}

TEST_F(HttpClientTest, AServerThatSaysNothingIsLeft) {
  options_.stall_timeout_ms = 100;
  LoopbackServer server([](Peer* peer) { peer->AwaitEnd(); });
  Receiver receiver;
  EXPECT_EQ(Get(server.url("/"), &receiver).code(), StatusCode::kTimeout);
}

// Something on the way may drop connections that are idle, and say so to nobody.
TEST_F(HttpClientTest, AStallClosesTheIdleConnectionsBesideIt) {
  options_.stall_timeout_ms = 300;
  std::atomic<int> asked{0};
  LoopbackServer server([&asked](Peer* peer) {
    peer->ReadRequest();
    for (++asked; asked < 3;) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    peer->Send(Reply(""));
    peer->AwaitEnd();  // and never answers again
  });
  Receiver first[3];
  for (Receiver& receiver : first) Start(server.url("/"), &receiver);
  for (Receiver& receiver : first) ASSERT_TRUE(receiver.done.Wait());
  Receiver stalled;
  EXPECT_EQ(Get(server.url("/"), &stalled).code(), StatusCode::kTimeout);
  Receiver next;
  EXPECT_TRUE(Get(server.url("/"), &next).ok());
  EXPECT_EQ(server.connections(), 4);
}

TEST_F(HttpClientTest, AServerThatSaysNoMoreIsLeft) {
  options_.stall_timeout_ms = 100;
  LoopbackServer server([](Peer* peer) {
    peer->ReadRequest();
    peer->Send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nabc");
    peer->AwaitEnd();
  });
  Receiver receiver;
  EXPECT_EQ(Get(server.url("/"), &receiver).code(), StatusCode::kTimeout);
  EXPECT_EQ(receiver.body, "abc");
  EXPECT_EQ(receiver.outcome.detail().http_status, 200);
}

}  // namespace
}  // namespace objectpipes
