#include "net/dialer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "testing/loopback_server.h"
#include "testing/name_server.h"

namespace objectpipes {
namespace {

using Answer = NameServer::Answer;

// An address that never answers: a listener whose backlog is full.
class DeadListener {
 public:
  DeadListener(const char* ip, int port) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    inet_pton(AF_INET, ip, &address.sin_addr);
    const int on = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(listener_, 0), 0);
    for (int& waiting : waiting_) {
      waiting = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      [[maybe_unused]] const int connecting =
          connect(waiting, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    }
  }
  ~DeadListener() {
    for (const int waiting : waiting_) close(waiting);
    close(listener_);
  }
  DeadListener(const DeadListener&) = delete;
  DeadListener& operator=(const DeadListener&) = delete;

 private:
  int listener_;
  int waiting_[4];
};

class DialerTest : public ::testing::Test {
 protected:
  DialerTest() { options_.timeout_ms = 20'000; }

  // The outcome of dialing this origin: OK if there is a connection.
  Status Dial(const std::string& origin) {
    std::optional<Status> outcome;
    dialed_ = Dialed();
    Dialer dialer(&network_, &options_, RemoteHost::Parse(origin).value(),
                  [&](Result<Dialed> result) {
                    outcome = result.status();
                    if (result.ok()) dialed_ = std::move(result).value();
                  });
    EXPECT_FALSE(outcome) << "never at once";
    const int64_t end_ms = MonotonicMs() + 30'000;
    while (!outcome && MonotonicMs() < end_ms) {
      network_.reactor()->Wait(50);
      network_.reactor()->Dispatch(MonotonicMs());
    }
    return outcome.value_or(Status(StatusCode::kInternal, "it never ended"));
  }
  int PortOf(const LoopbackServer& server) { return std::stoi(server.url("").substr(17)); }

  void SetAddresses(std::vector<std::string> addresses) {
    const std::lock_guard<std::mutex> lock(mutex_);
    addresses_ = std::move(addresses);
  }
  std::vector<std::string> addresses() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return addresses_;
  }

  std::mutex mutex_;  // the name server answers in a thread of its own
  std::vector<std::string> addresses_ = {"127.0.0.1"};
  std::atomic<bool> silent_{false};
  NameServer names_{[this](const std::string&) { return Answer{silent_, true, addresses()}; }};
  Network network_{names_.address()};
  DialOptions options_;
  Dialed dialed_;
};

void Hold(LoopbackServer::Peer* peer) { peer->AwaitEnd(); }

TEST_F(DialerTest, ReachesAddressesAndNames) {
  LoopbackServer server(Hold);
  const std::string port = std::to_string(PortOf(server));
  for (const char* host : {"127.0.0.1", "store.test.", "localhost"}) {
    const Status status = Dial("http://" + std::string(host) + ":" + port);
    EXPECT_TRUE(status.ok()) << status.message();
    ASSERT_NE(dialed_.stream, nullptr);
    EXPECT_TRUE(dialed_.stream->IsQuiet());
  }
}

TEST_F(DialerTest, GoesOnToTheNextAddressWhenOneRefuses) {
  LoopbackServer server(Hold);
  SetAddresses({"127.0.0.2", "127.0.0.3", "127.0.0.1"});
  for (int i = 0; i < 3; ++i) {
    const Status status = Dial("http://store.test.:" + std::to_string(PortOf(server)));
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

// And does not begin with the dead one again: it is known by then.
TEST_F(DialerTest, GoesOnToTheNextAddressWhenOneIsDead) {
  LoopbackServer server(Hold);
  const int port = PortOf(server);
  const DeadListener dead("127.0.0.2", port);
  SetAddresses({"127.0.0.2", "127.0.0.1"});
  for (int i = 0; i < 4; ++i) {
    const Status status = Dial("http://store.test.:" + std::to_string(port));
    EXPECT_TRUE(status.ok()) << status.message();
  }
  std::vector<SocketAddress> both;
  for (const std::string& address : addresses()) {
    both.push_back(*SocketAddress::Parse(address, static_cast<uint16_t>(port)));
  }
  for (int i = 0; i < 2; ++i) EXPECT_EQ(network_.addresses()->Order(both)[0], both[1]);
}

TEST_F(DialerTest, SaysWhichAddressesFailedAndWhy) {
  SetAddresses({"127.0.0.1", "127.0.0.2"});
  const std::string port = std::to_string(UnusedPort());
  const Status status = Dial("http://store.test.:" + port);
  EXPECT_EQ(status.code(), StatusCode::kEndpoint);
  EXPECT_EQ(status.detail().code, "ConnectFailed");
  for (const std::string& address : addresses()) {
    EXPECT_NE(status.message().find(address + ":" + port + ": Connection refused"),
              std::string::npos)
        << status.message();
  }
  EXPECT_EQ(network_.resolver()->Find("store.test."), nullptr) << "it is asked for anew";
}

TEST_F(DialerTest, GivesUpInTimeWhenNoNameServerAnswers) {
  silent_ = true;
  options_.timeout_ms = 50;
  const Status status = Dial("http://store.test.");
  EXPECT_EQ(status.code(), StatusCode::kTimeout);
  EXPECT_EQ(status.detail().code, "ConnectTimeout");
  EXPECT_NE(status.message().find("name server"), std::string::npos) << status.message();
}

TEST_F(DialerTest, GivesUpInTimeWhenNoAddressAnswers) {
  const int port = UnusedPort();
  const DeadListener dead("127.0.0.1", port);
  options_.timeout_ms = 50;
  EXPECT_EQ(Dial("http://127.0.0.1:" + std::to_string(port)).code(), StatusCode::kTimeout);
}

TEST_F(DialerTest, GivesUpInTimeWhenAServerDoesNotShakeHands) {
  LoopbackServer server(Hold);
  options_.timeout_ms = 50;
  options_.tls.verify = false;
  const Status status = Dial("https://127.0.0.1:" + std::to_string(PortOf(server)));
  EXPECT_EQ(status.code(), StatusCode::kTimeout);
  EXPECT_NE(status.message().find("TLS"), std::string::npos) << status.message();
}

TEST_F(DialerTest, SaysThatAServerSpeaksNoTls) {
  for (const char* greeting : {"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2p1\r\n"}) {
    LoopbackServer server([greeting](LoopbackServer::Peer* peer) {
      peer->Send(greeting);
      peer->AwaitEnd();
    });
    options_.tls.verify = false;
    const Status status = Dial("https://127.0.0.1:" + std::to_string(PortOf(server)));
    EXPECT_EQ(status.code(), StatusCode::kEndpoint);
    EXPECT_EQ(status.detail().code, kNoTls) << status.message();
  }
}

// Each alert, without a client certificate.
TEST_F(DialerTest, SaysWhyAServerRefusesAHandshake) {
  const struct {
    char alert;
    const char* code;
  } kAlerts[] = {
      {40, "NoCommonCipher"},              // handshake_failure
      {42, "ClientCertificateRequired"},   // bad_certificate
      {43, "ClientCertificateRequired"},   // unsupported_certificate
      {44, "ClientCertificateRequired"},   // certificate_revoked
      {45, "ClientCertificateRequired"},   // certificate_expired
      {46, "ClientCertificateRequired"},   // certificate_unknown
      {48, "ClientCertificateRequired"},   // unknown_ca
      {49, "ClientCertificateRequired"},   // access_denied
      {70, "TlsVersionRefused"},           // protocol_version
      {71, "NoCommonCipher"},              // insufficient_security
      {80, "TlsHandshakeFailed"},          // internal_error: another attempt may help
      {112, "ServerNameRefused"},          // unrecognized_name
      {116, "ClientCertificateRequired"},  // certificate_required
      {120, "NoHttp1"},                    // no_application_protocol
  };
  options_.tls.verify = false;
  for (const auto& [alert, code] : kAlerts) {
    SCOPED_TRACE(static_cast<int>(alert));
    LoopbackServer server([fatal = alert](LoopbackServer::Peer* peer) {
      peer->Send(std::string("\x15\x03\x03\x00\x02\x02", 6) + fatal);
      peer->AwaitEnd();
    });
    const Status status = Dial("https://localhost:" + std::to_string(PortOf(server)));
    EXPECT_EQ(status.code(), alert == 80 ? StatusCode::kEndpoint : StatusCode::kTls);
    EXPECT_EQ(status.detail().code, code) << status.message();
    EXPECT_NE(status.message().find("localhost"), std::string::npos) << status.message();
  }
}

TEST_F(DialerTest, SaysThatAServerChoosesAnOldVersion) {
  LoopbackServer server([](LoopbackServer::Peer* peer) {
    std::string hello("\x02\x00\x00\x26\x03\x01", 6);  // ServerHello of TLS 1.0
    hello.append(32, 'r').append("\x00\xc0\x13\x00", 4);
    peer->Send(std::string("\x16\x03\x01\x00", 4) + static_cast<char>(hello.size()) + hello);
    peer->AwaitEnd();
  });
  options_.tls.verify = false;
  const Status status = Dial("https://127.0.0.1:" + std::to_string(PortOf(server)));
  EXPECT_EQ(status.code(), StatusCode::kTls);
  EXPECT_EQ(status.detail().code, "TlsVersionRefused") << status.message();
}

TEST_F(DialerTest, SaysThatAFileOfCertificatesIsUnusable) {
  LoopbackServer server(Hold);
  options_.tls.ca_file = "/nonexistent/ca.pem";
  const Status status = Dial("https://127.0.0.1:" + std::to_string(PortOf(server)));
  EXPECT_EQ(status.code(), StatusCode::kTls);
  EXPECT_NE(status.message().find("/nonexistent/ca.pem"), std::string::npos) << status.message();
}

TEST_F(DialerTest, ReadsWhatAProxySaysToATunnel) {
  const std::string refusal = "HTTP/1.1 403 Forbidden\r\n\r\n";
  const std::string ok = "HTTP/1.1 200 Connection established\r\nx: y\r\n\r\n";
  const struct {
    std::string reply;
    StatusCode code;
    int http_status;
  } kReplies[] = {
      {refusal, StatusCode::kEndpoint, 403},
      {"HTTP/1.1 100 Continue\r\n\r\n" + refusal, StatusCode::kEndpoint, 403},
      {"HTTP/1.1 407 \r\ncontent-length: 9\r\n\r\nforbidden", StatusCode::kEndpoint, 407},
      {"", StatusCode::kEndpoint, 0},
      {"HTTP/1.1 200", StatusCode::kEndpoint, 0},
      {"SSH-2.0-OpenSSH\r\n\r\n", StatusCode::kProtocol, 0},
      {"HTTP/1.1 2000 OK\r\n\r\n", StatusCode::kProtocol, 0},
      {std::string(70'000, 'x'), StatusCode::kProtocol, 0},
      {ok + "bytes", StatusCode::kProtocol, 0},
      {ok, StatusCode::kEndpoint, 0},  // and the end
  };
  for (const auto& [reply, code, http_status] : kReplies) {
    SCOPED_TRACE(reply.substr(0, 100));
    LoopbackServer proxy([&text = reply](LoopbackServer::Peer* peer) {
      peer->ReadRequest();
      peer->Send(text);
    });
    options_.proxy = RemoteHost::Parse(proxy.url("")).value();
    options_.tunnel = true;
    options_.tls.verify = false;
    const Status status = Dial("https://store.test");
    EXPECT_EQ(static_cast<int>(status.code()), static_cast<int>(code)) << status.message();
    EXPECT_EQ(status.detail().http_status, http_status);
  }
}

}  // namespace
}  // namespace objectpipes
