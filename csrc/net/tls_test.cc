#include "net/tls.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
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

// A certificate that nobody has signed, and its key.
struct Certificate {
  Certificate() {
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
  }
  ~Certificate() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  Certificate(const Certificate&) = delete;
  Certificate& operator=(const Certificate&) = delete;

  void Write(const std::string& path) const {
    BIO* const file = BIO_new_file(path.c_str(), "w");
    EXPECT_EQ(PEM_write_bio_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
    EXPECT_EQ(PEM_write_bio_X509(file, certificate), 1);
    BIO_free(file);
  }

  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
};

// Both ends of a TLS connection over loopback.
class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    const Certificate certificate;
    SSL_CTX_use_certificate(context_, certificate.certificate);
    SSL_CTX_use_PrivateKey(context_, certificate.key);
    SSL_CTX_set_num_tickets(context_, 0);
    options_.verify = false;
  }
  ~TlsTest() override {
    stream_.reset();
    SSL_free(server_);
    SSL_CTX_free(context_);
    close(accepted_);
  }

  // How the client's handshake ends.
  void Connect(int64_t* outcome) {
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
    std::thread handshake([this] { SSL_accept(server_); });

    auto context = TlsContext::Create(options_).value();
    stream_ = std::make_unique<TlsStream>(context, context->TicketsOf("server"), "localhost",
                                          std::make_unique<TcpStream>(std::move(socket)), &input_);
    *outcome = stream_->Handshake();
    while (*outcome == kNotNow && AwaitInput()) *outcome = stream_->Handshake();
    handshake.join();
  }
  // False if nothing arrives for a long time.
  bool AwaitInput() const {
    pollfd asked{handle_, POLLIN, 0};
    return poll(&asked, 1, 20'000) == 1;
  }
  int64_t Receive() { return stream_->Receive(received_, sizeof(received_)); }

  // The code of the refusal, which comes after the handshake with TLS 1.3.
  std::string Refusal() {
    int64_t outcome = kEnded;
    Connect(&outcome);
    if (outcome == 1) outcome = kNotNow;
    while (outcome == kNotNow && AwaitInput()) outcome = Receive();
    EXPECT_EQ(outcome, kBroken);
    EXPECT_EQ(stream_->failure().code(), StatusCode::kTls);
    return stream_->failure().detail().code;
  }

  SSL_CTX* const context_ = SSL_CTX_new(TLS_server_method());
  TlsOptions options_;
  SSL* server_ = nullptr;
  int accepted_ = -1;
  SocketHandle handle_ = kNoSocket;
  TlsInput input_;
  std::unique_ptr<TlsStream> stream_;
  char received_[100];
};

class TlsStreamTest : public TlsTest {
 protected:
  void SetUp() override {
    int64_t outcome = kEnded;
    Connect(&outcome);
    ASSERT_EQ(outcome, 1) << stream_->failure().message();
  }
  void Send(const std::string& bytes) {
    EXPECT_EQ(SSL_write(server_, bytes.data(), static_cast<int>(bytes.size())),
              static_cast<int>(bytes.size()));
    EXPECT_TRUE(AwaitInput());
  }
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

class TlsVersionTest : public TlsTest, public ::testing::WithParamInterface<int> {
 protected:
  TlsVersionTest() {
    SSL_CTX_set_min_proto_version(context_, GetParam());
    SSL_CTX_set_max_proto_version(context_, GetParam());
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
};

TEST_P(TlsVersionTest, SaysThatTheServerDemandsACertificate) {
  EXPECT_EQ(Refusal(), "ClientCertificateRequired") << stream_->failure().message();
}

TEST_P(TlsVersionTest, SaysThatTheServerRefusesTheCertificate) {
  options_.client_cert = ::testing::TempDir() + "client" + std::to_string(getpid()) + ".pem";
  Certificate().Write(options_.client_cert);
  EXPECT_EQ(Refusal(), "ClientCertificateRefused") << stream_->failure().message();
  unlink(options_.client_cert.c_str());
}

INSTANTIATE_TEST_SUITE_P(All, TlsVersionTest, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_F(TlsTest, SaysThatTheServerIsTooOld) {
  SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context_, TLS1_1_VERSION);
  SSL_CTX_set_security_level(context_, 0);
  EXPECT_EQ(Refusal(), "TlsVersionRefused");
}

TEST_F(TlsTest, SaysThatThereIsNoCommonCipher) {
  SSL_CTX_set_max_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context_, "ECDHE-RSA-AES128-GCM-SHA256");  // the key is no RSA key
  EXPECT_EQ(Refusal(), "NoCommonCipher");
}

}  // namespace
}  // namespace objectpipes
