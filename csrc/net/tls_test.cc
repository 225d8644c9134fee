#include "net/tls.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "net/system.h"

namespace objectpipes {
namespace {

// A context for a server with a certificate that nobody has signed.
SSL_CTX* ServerContext() {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  SSL_CTX_set_num_tickets(context, 0);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

// Both ends of a TLS connection over loopback, after the handshake.
class TlsStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    ASSERT_EQ(listen(listener, 1), 0);

    Socket socket;
    ASSERT_EQ(socket.Connect(*SocketAddress::Parse("127.0.0.1", ntohs(address.sin_port))), 0);
    handle_ = socket.handle();
    accepted_ = accept(listener, nullptr, nullptr);
    close(listener);
    server_ = SSL_new(context_);
    SSL_set_fd(server_, accepted_);
    std::thread handshake([this] { EXPECT_EQ(SSL_accept(server_), 1); });

    TlsOptions options;
    options.verify = false;
    auto context = TlsContext::Create(options).value();
    stream_ = std::make_unique<TlsStream>(context, context->TicketsOf("server"), "localhost",
                                          std::make_unique<TcpStream>(std::move(socket)), &input_);
    int64_t outcome = stream_->Handshake();
    while (outcome == kNotNow && AwaitInput()) outcome = stream_->Handshake();
    handshake.join();
    ASSERT_EQ(outcome, 1) << stream_->handshake_error().message();
  }
  ~TlsStreamTest() override {
    stream_.reset();
    SSL_free(server_);
    SSL_CTX_free(context_);
    close(accepted_);
  }

  // False if nothing arrives for a long time.
  bool AwaitInput() const {
    pollfd asked{handle_, POLLIN, 0};
    return poll(&asked, 1, 20'000) == 1;
  }
  void Send(const std::string& bytes) {
    EXPECT_EQ(SSL_write(server_, bytes.data(), static_cast<int>(bytes.size())),
              static_cast<int>(bytes.size()));
    EXPECT_TRUE(AwaitInput());
  }
  int64_t Receive() { return stream_->Receive(received_, sizeof(received_)); }

  SSL_CTX* const context_ = ServerContext();
  SSL* server_ = nullptr;
  int accepted_ = -1;
  SocketHandle handle_ = kNoSocket;
  TlsInput input_;
  std::unique_ptr<TlsStream> stream_;
  char received_[100];
};

TEST_F(TlsStreamTest, SaysOnceThatThereIsNoMore) {
  for (int i = 0; i < 3; ++i) {
    Send("bytes");
    EXPECT_EQ(Receive(), 5) << i;
    EXPECT_EQ(Receive(), kNotNow) << i;
  }
}

TEST_F(TlsStreamTest, ReceivesTheRestOfWhatFilledTheTarget) {
  Send(std::string(250, 'x'));
  EXPECT_EQ(Receive(), 100);
  EXPECT_EQ(Receive(), 100);
  EXPECT_EQ(Receive(), 50);
  EXPECT_EQ(Receive(), kNotNow);
}

TEST_F(TlsStreamTest, IsNotQuietOnceAnythingHasArrived) {
  Send("asked for");
  EXPECT_EQ(Receive(), 9);
  EXPECT_TRUE(stream_->IsQuiet());
  Send("unasked");
  EXPECT_FALSE(stream_->IsQuiet());
}

TEST_F(TlsStreamTest, IsNotQuietWithMoreOfTheSameRecord) {
  Send(std::string(101, 'x'));
  EXPECT_EQ(Receive(), 100);
  EXPECT_FALSE(stream_->IsQuiet());
}

}  // namespace
}  // namespace objectpipes
