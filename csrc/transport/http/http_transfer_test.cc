#include "transport/http/http_transfer.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "testing/http_client_test.h"

namespace objectpipes {
namespace {

using HttpTransferTest = HttpClientTest;

TEST_F(HttpTransferTest, SendsTheRequestAsItIs) {
  LoopbackServer server([](Peer* peer) {
    peer->ReadRequest();
    peer->Send(Reply(""));
  });
  HttpRequest request;
  request.url = server.url("/b//a/../%41?x=%2F&y");
  request.headers = {"range: bytes=0-9", "x-amz-date: now"};
  Receiver receiver;
  Start(request, &receiver);
  ASSERT_TRUE(receiver.done.Wait());
  EXPECT_TRUE(receiver.outcome.ok());
  EXPECT_EQ(server.requests()[0],
            "GET /b//a/../%41?x=%2F&y HTTP/1.1\r\nhost: " + server.url("").substr(7) +
                "\r\nuser-agent: test\r\nrange: bytes=0-9\r\nx-amz-date: now\r\n\r\n");
}

TEST_F(HttpTransferTest, AReplyToHeadHasNoBody) {
  LoopbackServer server([](Peer* peer) {
    EXPECT_EQ(peer->ReadRequest().substr(0, 5), "HEAD ");
    peer->Send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
    EXPECT_EQ(peer->ReadRequest().substr(0, 4), "GET ") << "on the same connection";
    peer->Send(Reply("body"));
  });
  HttpRequest request;
  request.method = HttpRequest::Method::kHead;
  request.url = server.url("/");
  Receiver head;
  Start(request, &head);
  ASSERT_TRUE(head.done.Wait());
  EXPECT_TRUE(head.outcome.ok());
  EXPECT_EQ(head.body, "");
  Receiver get;
  EXPECT_TRUE(Get(server.url("/"), &get).ok());
  EXPECT_EQ(get.body, "body");
}

// ---------------------------------------------------------------------------------------------------
// Replies

TEST_F(HttpTransferTest, ReceivesBodiesOfEverySize) {
  LoopbackServer server(ServeSizes);
  for (const size_t space : {size_t{0}, 20 * kKiB, 8 * kMiB}) {
    for (const size_t size : {size_t{0}, size_t{1}, 16 * kKiB, 64 * kKiB - 50, 64 * kKiB,
                              64 * kKiB + 1, 3 * kMiB + 7}) {
      Receiver receiver;
      receiver.own_space.resize(space);
      EXPECT_TRUE(Get(server.url("/" + std::to_string(size)), &receiver).ok());
      EXPECT_TRUE(SameBytes(receiver.body, Pattern(size, size)));
    }
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTransferTest, ReceivesMoreThanTheSpaceIsFor) {
  LoopbackServer server(ServeSizes);
  Receiver receiver;
  receiver.own_space.resize(100 * kKiB);  // the end is received elsewhere
  EXPECT_TRUE(Get(server.url("/500000"), &receiver).ok());
  EXPECT_TRUE(SameBytes(receiver.body, Pattern(500'000, 500'000)));
}

TEST_F(HttpTransferTest, AnErrorIsAReplyLikeAnyOther) {
  Receiver receiver;
  EXPECT_TRUE(
      GetReply("HTTP/1.1 404 Not Found\r\nETag: \"x\" \r\ncontent-length: 4\r\n\r\ngone", &receiver)
          .ok());
  EXPECT_EQ(receiver.status, 404);
  EXPECT_EQ(receiver.etag, "\"x\"");
  EXPECT_EQ(receiver.body, "gone");
}

TEST_F(HttpTransferTest, PassesOverInterimReplies) {
  Receiver receiver;
  EXPECT_TRUE(GetReply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\netag: no\r\n\r\n" +
                           Reply("body", "etag: yes\r\n"),
                       &receiver)
                  .ok());
  EXPECT_EQ(receiver.status, 200);
  EXPECT_EQ(receiver.etag, "yes");
  EXPECT_EQ(receiver.body, "body");
}

// The peer stays: what is wrong shows before the connection ends.
TEST_F(HttpTransferTest, RefusesAHeadAsSoonAsItIsMalformed) {
  const std::string flood = [] {
    std::string text;
    for (int i = 0; i <= kMaxInterimReplies; ++i) text += "HTTP/1.1 103 Early Hints\r\n\r\n";
    return text;
  }();
  for (const std::string& text :
       {std::string("hello"), std::string("HTTP/1.1 200 OK\n"), std::string("\r\nHTTP/1.1 200 OK"),
        std::string("HTTP/1.1 200 OK\r\na: 1\nb: 2"),
        std::string("HTTP/1.1 200 OK\r\na: 1\rb\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\na: 1\r\n b\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx"),
        std::string("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n"),
        std::string("HTTP/1.1 101 Switching Protocols\r\n\r\n"), flood,
        "HTTP/1.1 200 OK\r\na: " + std::string(kMaxHeadBytes, 'x')}) {
    LoopbackServer server([&text](Peer* peer) {
      peer->ReadRequest();
      peer->Send(text);
      peer->AwaitEnd();
    });
    Receiver receiver;
    EXPECT_EQ(Get(server.url("/"), &receiver).code(), StatusCode::kProtocol) << text.substr(0, 80);
    EXPECT_EQ(receiver.status, 0);
  }
}

TEST_F(HttpTransferTest, TakesAHeadUpToItsLimit) {
  const std::string begin = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\na: ";
  const std::string end = "\r\n\r\n";
  Receiver receiver;
  const std::string filler(kMaxHeadBytes - begin.size() - end.size(), 'x');
  EXPECT_TRUE(GetReply(begin + filler + end + "body", &receiver).ok());
  EXPECT_EQ(receiver.body, "body");
}

TEST_F(HttpTransferTest, SomeRepliesHaveNoBody) {
  for (const char* status : {"204 No Content", "304 Not Modified"}) {
    LoopbackServer server([status](Peer* peer) {
      peer->ReadRequest();
      peer->Send(std::string("HTTP/1.1 ") + status + "\r\ncontent-length: 10\r\n\r\n");
      peer->AwaitEnd();
    });
    Receiver receiver;
    EXPECT_TRUE(Get(server.url("/"), &receiver).ok()) << status;
  }
}

TEST_F(HttpTransferTest, WithoutALengthTheBodyEndsWithTheConnection) {
  Receiver receiver;
  EXPECT_TRUE(GetReply("HTTP/1.0 200 OK\r\n\r\nto the end", &receiver).ok());
  EXPECT_EQ(receiver.body, "to the end");
}

TEST_F(HttpTransferTest, TakesChunksApart) {
  const std::string body = Pattern(300'000);
  LoopbackServer server([&body](Peer* peer) {
    peer->ReadRequest();
    peer->Send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    for (size_t begin = 0; begin < body.size(); begin += 70'001) {
      const std::string chunk = body.substr(begin, 70'001);
      char size[32];
      std::snprintf(size, sizeof(size), "%zX;name=value\r\n", chunk.size());
      peer->Send(size + chunk + "\r\n");
    }
    peer->Send("0\r\netag: trailer\r\n\r\n");
    peer->ReadRequest();
    peer->Send(Reply("next"));
  });
  Receiver receiver;
  EXPECT_TRUE(Get(server.url("/"), &receiver).ok());
  EXPECT_TRUE(SameBytes(receiver.body, body));
  EXPECT_EQ(receiver.etag, "");
  Receiver next;
  EXPECT_TRUE(Get(server.url("/"), &next).ok());
  EXPECT_EQ(next.body, "next");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpTransferTest, PutsAReplyTogetherFromSingleBytes) {
  LoopbackServer server([](Peer* peer) {
    peer->ReadRequest();
    const std::string reply =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: "
        "chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    for (const char byte : reply) {
      peer->Send(std::string_view(&byte, 1));
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    peer->AwaitEnd();
  });
  Receiver receiver;
  EXPECT_TRUE(Get(server.url("/"), &receiver).ok());
  EXPECT_EQ(receiver.body, "abc0123456789");
}

// ---------------------------------------------------------------------------------------------------
// The handler's word

TEST_F(HttpTransferTest, StopsAtTheHead) {
  LoopbackServer server(ServeSizes);
  Receiver receiver;
  receiver.at_head = Flow::kStop;
  EXPECT_EQ(Get(server.url("/100000"), &receiver).code(), StatusCode::kCancelled);
  EXPECT_EQ(receiver.body, "");
}

TEST_F(HttpTransferTest, StopsInTheBodyAndLeavesTheConnection) {
  LoopbackServer server(ServeSizes);
  Receiver receiver;
  receiver.stop_at = 1;
  EXPECT_EQ(Get(server.url("/10000000"), &receiver).code(), StatusCode::kCancelled);
  Receiver next;
  EXPECT_TRUE(Get(server.url("/5"), &next).ok());
  EXPECT_EQ(next.body, Pattern(5, 5)) << "nothing of the old reply";
}

TEST_F(HttpTransferTest, APauseHoldsTheServerBackAndLosesNothing) {
  options_.stall_timeout_ms = 3000;
  LoopbackServer server(ServeSizes);
  Receiver receiver;
  receiver.pause_at = kMiB;
  Start(server.url("/20000000"), &receiver);
  std::this_thread::sleep_for(std::chrono::milliseconds(3500));  // a pause is no stall
  OnLoop([&] {
    EXPECT_GE(receiver.body.size(), kMiB);
    EXPECT_LE(receiver.body.size(), 2 * kMiB);
    ASSERT_NE(receiver.exchange, nullptr);
    receiver.pause_at = SIZE_MAX;
    receiver.exchange->Resume();
  });
  ASSERT_TRUE(receiver.done.Wait());
  EXPECT_TRUE(receiver.outcome.ok());
  EXPECT_TRUE(SameBytes(receiver.body, Pattern(20'000'000, 20'000'000)));
}

TEST_F(HttpTransferTest, APauseInsideOfAChunkLosesNothing) {
  LoopbackServer server([](Peer* peer) {
    peer->ReadRequest();
    peer->Send(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
    peer->AwaitEnd();
  });
  Receiver receiver;
  receiver.pause_at = 3;
  Start(server.url("/"), &receiver);
  while (true) {
    bool paused = false;
    OnLoop([&] { paused = receiver.body == "abc"; });
    if (paused) break;
  }
  OnLoop([&] {
    receiver.exchange->Resume();  // and pauses again
    receiver.exchange->Resume();
  });
  OnLoop([&] {
    receiver.pause_at = SIZE_MAX;
    receiver.exchange->Resume();
  });
  ASSERT_TRUE(receiver.done.Wait());
  EXPECT_EQ(receiver.body, "abcdef");
}

TEST_F(HttpTransferTest, NothingIsCalledOnceTheExchangeIsDestroyed) {
  LoopbackServer server([](Peer* peer) {
    const std::string request = peer->ReadRequest();
    if (request.find("/body") != std::string::npos) {
      peer->Send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nabc");
    }
    peer->AwaitEnd();  // which comes with the exchange
  });
  for (const char* path : {"/nothing", "/body"}) {
    for (const int wait_ms : {0, 5}) {
      Receiver receiver;
      Start(server.url(path), &receiver);
      std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
      OnLoop([&] {
        receiver.exchange.reset();
        receiver.body.clear();
      });
      OnLoop([] {});
      EXPECT_TRUE(receiver.outcome.ok());
      EXPECT_EQ(receiver.body, "");
    }
  }
}

// ---------------------------------------------------------------------------------------------------
// Failures

TEST_F(HttpTransferTest, AResetIsAFailure) {
  LoopbackServer server([](Peer* peer) {
    peer->ReadRequest();
    peer->Send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nabc");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    peer->Reset();
  });
  Receiver receiver;
  EXPECT_EQ(Get(server.url("/"), &receiver).code(), StatusCode::kEndpoint);
}

TEST_F(HttpTransferTest, BadRepliesAreFailuresAndNeverHang) {
  const std::string endless(70'000, 'x');
  const std::string long_head = "HTTP/1.1 200 OK\r\nname: " + endless;
  const std::string chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  const std::vector<std::pair<std::string, StatusCode>> replies = {
      {"", StatusCode::kEndpoint},
      {"HTTP/1.1 200 OK\r\ncontent-le", StatusCode::kEndpoint},
      {Reply("body").substr(0, Reply("body").size() - 1), StatusCode::kEndpoint},
      {chunked + "5\r\nabc", StatusCode::kEndpoint},
      {chunked + "3\r\nabc\r\n", StatusCode::kEndpoint},
      {"SSH-2.0-OpenSSH\r\n\r\n", StatusCode::kProtocol},
      {"\x15\x03\x01", StatusCode::kProtocol},  // TLS
      {"HTTP/2 200\r\n\r\n", StatusCode::kProtocol},
      {"HTTP/1.1 OK\r\n\r\n", StatusCode::kProtocol},
      {"HTTP/1.1 2x0 OK\r\n\r\n", StatusCode::kProtocol},
      {"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", StatusCode::kProtocol},
      {"HTTP/1.1 200 OK\r\ncontent-length: 1e3\r\n\r\n", StatusCode::kProtocol},
      {"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n", StatusCode::kProtocol},
      {"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", StatusCode::kProtocol},
      {long_head, StatusCode::kProtocol},
      {chunked + "xyz\r\n", StatusCode::kProtocol},
      {chunked + "-3\r\nabc\r\n", StatusCode::kProtocol},
      {chunked + "FFFFFFFFFFFFFFFFF\r\nabc", StatusCode::kProtocol},
      {chunked + "3\r\nabcdef\r\n", StatusCode::kProtocol},
      {chunked + endless, StatusCode::kProtocol},
  };
  for (const auto& [text, code] : replies) {
    SCOPED_TRACE(text.substr(0, 100));
    Receiver receiver;
    EXPECT_EQ(static_cast<int>(GetReply(text, &receiver).code()), static_cast<int>(code));
  }
}

}  // namespace
}  // namespace objectpipes
