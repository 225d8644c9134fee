// TLS by OpenSSL: contexts, sessions that are resumed, and streams.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "net/byte_stream.h"

namespace objectpipes {

struct TlsOptions {
  std::string ca_file;  // PEM; with no ca_path either: OpenSSL's default
  std::string ca_path;  // directories of hashed certificates
  bool verify = true;
  std::string client_cert;  // PEM files for mutual TLS; empty: none
  std::string client_key;

  bool operator<(const TlsOptions& other) const {
    return std::tie(ca_file, ca_path, verify, client_cert, client_key) <
           std::tie(other.ca_file, other.ca_path, other.verify, other.client_cert,
                    other.client_key);
  }
};

// What connections to one server share: the tickets by which it resumes sessions.
//
// A full handshake costs a signature and a chain of certificates. Many connections that begin at
// once would each make one, so only a few may while no ticket has come; the others wait for theirs.
class TlsTickets {
 public:
  ~TlsTickets();

  // A ticket, best one that was not used yet. Null: there is none. The caller frees it.
  SSL_SESSION* Take();
  void Add(SSL_SESSION* session);

  bool may_begin() const {
    return !sessions_.empty() || gives_none_ || unanswered_ < kMaxFullHandshakes;
  }
  // Whenever that may have changed the function is called, which must only take note.
  using Waiter = std::list<std::function<void()>>::iterator;
  Waiter Wait(std::function<void()> function);
  void StopWaiting(Waiter waiter) { waiting_.erase(waiter); }

 private:
  friend class TlsStream;
  static constexpr int kMaxFullHandshakes = 4;

  void Begin() { ++unanswered_; }
  void End(bool gives_none);

  std::deque<SSL_SESSION*> sessions_;  // the newest last
  int unanswered_ = 0;                 // full handshakes whose ticket may still come
  bool gives_none_ = false;
  std::list<std::function<void()>> waiting_;
};

// The code of a server that answers a handshake with something else.
inline constexpr std::string_view kNoTls = "NoTls";

class TlsContext {
 public:
  static Result<std::shared_ptr<TlsContext>> Create(const TlsOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  SSL_CTX* context() const { return context_; }
  bool verify() const { return verify_; }
  bool has_client_cert() const { return has_client_cert_; }
  std::shared_ptr<TlsTickets> TicketsOf(const std::string& server);

 private:
  TlsContext(SSL_CTX* context, const TlsOptions& options)
      : context_(context),
        verify_(options.verify),
        has_client_cert_(!options.client_cert.empty()) {}

  SSL_CTX* const context_;
  const bool verify_;
  const bool has_client_cert_;
  std::map<std::string, std::shared_ptr<TlsTickets>> tickets_;
};

// Bytes as they come from sockets, on the way to being decrypted: one buffer for all streams of a
// thread, empty between two calls.
class TlsInput {
 public:
  static constexpr size_t kBytes = size_t{256} << 10;
  char* data() { return bytes_.get(); }

 private:
  const std::unique_ptr<char[]> bytes_{new char[kBytes]};
};

class TlsStream final : public ByteStream {
 public:
  // `host`: a name or an IP address, which the certificate must be for.
  // `input` is for what lies directly on TCP, null for what lies on another TLS stream.
  TlsStream(std::shared_ptr<TlsContext> context, std::shared_ptr<TlsTickets> tickets,
            const std::string& host, std::unique_ptr<ByteStream> below, TlsInput* input);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // Continues the handshake: 1 when it is done, kNotNow, or kBroken, which failure()
  // explains.
  int64_t Handshake();

  int64_t Receive(char* target, size_t size) override;
  int64_t Send(const char* bytes, size_t size) override;
  bool wants_write() const override { return wants_write_; }
  bool IsQuiet() override;
  Status failure() const override { return failure_; }

 private:
  static BIO_METHOD* Method();
  static int OnTicket(SSL* ssl, SSL_SESSION* session);
  friend class TlsContext;

  int64_t Outcome(int returned);
  Status FailureOf(unsigned long error) const;
  Status Failed(StatusCode status, std::string_view code, const std::string& why) const;
  int ReadBelow(char* target, int size);
  bool Refill(size_t least);
  void KeepUnread();
  void NoTicket();

  const std::shared_ptr<TlsContext> context_;
  const std::shared_ptr<TlsTickets> tickets_;
  const std::string host_;
  const std::unique_ptr<ByteStream> below_;
  TlsInput* const input_;
  SSL* ssl_;
  bool open_ = false;
  bool wants_write_ = false;
  bool awaits_ticket_ = false;
  bool drained_ = false;  // the last Receive() has taken all that there was
  bool ended_ = false;    // nothing more comes from below
  bool broken_ = false;
  Status failure_;

  // Received and not yet given to OpenSSL: a part of the shared buffer during a call, else of
  // `kept_`.
  const char* unread_ = nullptr;
  size_t unread_size_ = 0;
  bool unread_is_shared_ = false;
  std::vector<char> kept_;
  size_t wanted_ = 0;  // bytes that the caller of Receive() has room for
};

}  // namespace objectpipes
