#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>

namespace objectpipes {
namespace {

constexpr size_t kMaxTickets = 8;
constexpr size_t kMaxServers = 1024;
constexpr size_t kRecordBytes = size_t{16} << 10;
constexpr size_t kRecordOverhead = 64;  // header, padding and tag; more than any cipher needs

// AES-128 first: it is a fifth faster than AES-256, and strong enough.
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr unsigned char kHttp11[] = "\x08http/1.1";

// Why a server and this client cannot talk: the next attempt would end in the same way. The codes
// are for the advice in errors.py.
struct Refusal {
  int reason;  // OpenSSL's; for an alert of the server, 1000 more than its number
  std::string_view code;
  const char* why;
};

constexpr std::string_view kCertificateRequired = "ClientCertificateRequired";
constexpr std::string_view kCertificateRefused = "ClientCertificateRefused";
constexpr std::string_view kVersionRefused = "TlsVersionRefused";
constexpr std::string_view kNoCommonCipher = "NoCommonCipher";

constexpr Refusal kRefusals[] = {
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, kCertificateRequired,
     "the server demands a client certificate"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, kCertificateRefused,
     "the server does not accept the client certificate"},
    {SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, kCertificateRefused,
     "the server does not support this kind of client certificate"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, kCertificateRefused,
     "the client certificate was revoked"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, kCertificateRefused,
     "the client certificate has expired"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, kCertificateRefused,
     "the server does not accept the client certificate"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, kCertificateRefused,
     "the server does not know the authority that signed the client certificate"},
    {SSL_R_TLSV1_ALERT_ACCESS_DENIED, kCertificateRefused,
     "the server denies access to the owner of the client certificate"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, kVersionRefused,
     "the server supports neither TLS 1.2 nor TLS 1.3"},
    {SSL_R_UNSUPPORTED_PROTOCOL, kVersionRefused,
     "the server chose a version of TLS that is older than 1.2"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, kNoCommonCipher,
     "the server and this client have no cipher, curve or signature algorithm in common"},
    {SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY, kNoCommonCipher,
     "the server demands stronger ciphers than this client has"},
    {SSL_R_TLSV1_UNRECOGNIZED_NAME, "ServerNameRefused",
     "the server does not serve this host name"},
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "NoHttp1", "the server does not speak HTTP/1.1"},
    {SSL_R_WRONG_VERSION_NUMBER, kNoTls, "the server does not speak TLS at this port"},
};

constexpr const Refusal& kDemandsCertificate = kRefusals[0];

// Null: none.
const Refusal* RefusalOf(unsigned long error) {
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return nullptr;
  const auto* const found = std::find_if(
      std::begin(kRefusals), std::end(kRefusals),
      [error](const Refusal& refusal) { return refusal.reason == ERR_GET_REASON(error); });
  return found == std::end(kRefusals) ? nullptr : found;
}

// Clears OpenSSL's errors. Returns the refusal among them, which others may follow, or else the
// last one; 0: there is none.
unsigned long TakeError() {
  unsigned long error = 0;
  while (RefusalOf(error) == nullptr) {
    const unsigned long next = ERR_get_error();
    if (next == 0) return error;
    error = next;
  }
  ERR_clear_error();
  return error;
}

std::string TextOf(unsigned long error) {
  if (error == 0) return "";
  const char* const reason = ERR_reason_error_string(error);
  return reason != nullptr ? reason : "OpenSSL error " + std::to_string(error);
}

Status Unusable(const std::string& what, const std::string& file) {
  StatusDetail detail;
  detail.code = "CertificateFileUnusable";
  return Status(StatusCode::kTls, what + " " + file + " cannot be used: " + TextOf(TakeError()),
                std::move(detail));
}

// Whether the server asked for a client certificate. Only with TLS 1.2: later it says so itself.
bool AsksForCertificate(SSL* ssl) {
  const unsigned char* types = nullptr;
  return SSL_get0_certificate_types(ssl, &types) > 0;
}

const char* CodeOf(long verdict) {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "CertificateNotValidNow";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "CertificateOfAnotherHost";
    default:
      return "CertificateNotTrusted";
  }
}

bool IsAddress(const std::string& host) { return SocketAddress::Parse(host, 0).has_value(); }

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Sessions

TlsTickets::~TlsTickets() {
  for (SSL_SESSION* session : sessions_) SSL_SESSION_free(session);
}

SSL_SESSION* TlsTickets::Take() {
  if (sessions_.empty()) return nullptr;
  SSL_SESSION* const newest = sessions_.back();
  // A ticket is for one connection (RFC 8446, C.4). The last one is reused: a server that does not
  // accept that does a full handshake. Returns a copy, because OpenSSL changes the session that it
  // uses.
  if (sessions_.size() == 1) return SSL_SESSION_dup(newest);
  sessions_.pop_back();
  return newest;
}

void TlsTickets::Add(SSL_SESSION* session) {
  gives_none_ = false;
  sessions_.push_back(session);
  if (sessions_.size() <= kMaxTickets) return;
  SSL_SESSION_free(sessions_.front());
  sessions_.pop_front();
}

TlsTickets::Waiter TlsTickets::Wait(std::function<void()> function) {
  return waiting_.insert(waiting_.end(), std::move(function));
}

void TlsTickets::End(bool gives_none) {
  --unanswered_;
  if (gives_none && sessions_.empty()) gives_none_ = true;
  for (const std::function<void()>& function : waiting_) function();
}

// ---------------------------------------------------------------------------------------------------
// Contexts

Result<std::shared_ptr<TlsContext>> TlsContext::Create(const TlsOptions& options) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) {
    return Status(StatusCode::kTls, "OpenSSL makes no TLS context: " + TextOf(TakeError()));
  }
  std::shared_ptr<TlsContext> result(new TlsContext(context, options));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_ciphersuites(context, kTls13Ciphers);
  SSL_CTX_set_alpn_protos(context, kHttp11, sizeof(kHttp11) - 1);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &TlsStream::OnTicket);
  SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  // Trusts an intermediate authority in the file like a root.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  if (options.verify) {
    if (!options.ca_file.empty() &&
        SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) {
      return Unusable("the file of CA certificates", options.ca_file);
    }
    if (!options.ca_path.empty() &&
        SSL_CTX_load_verify_dir(context, options.ca_path.c_str()) != 1) {
      return Unusable("the directory of CA certificates", options.ca_path);
    }
    if (options.ca_file.empty() && options.ca_path.empty()) {
      SSL_CTX_set_default_verify_paths(context);
    }
  }
  if (!options.client_cert.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context, options.client_cert.c_str()) != 1) {
      return Unusable("the client certificate", options.client_cert);
    }
    const std::string& key = options.client_key.empty() ? options.client_cert : options.client_key;
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
      return Unusable("the key of the client certificate", key);
    }
  }
  ERR_clear_error();
  return result;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

std::shared_ptr<TlsTickets> TlsContext::TicketsOf(const std::string& server) {
  if (tickets_.size() >= kMaxServers) tickets_.clear();
  std::shared_ptr<TlsTickets>& tickets = tickets_[server];
  if (tickets == nullptr) tickets = std::make_shared<TlsTickets>();
  return tickets;
}

// ---------------------------------------------------------------------------------------------------
// Streams

TlsStream::TlsStream(std::shared_ptr<TlsContext> context, std::shared_ptr<TlsTickets> tickets,
                     const std::string& host, std::unique_ptr<ByteStream> below, TlsInput* input)
    : context_(std::move(context)),
      tickets_(std::move(tickets)),
      host_(host.empty() || host.back() != '.' ? host : host.substr(0, host.size() - 1)),
      below_(std::move(below)),
      input_(input),
      ssl_(SSL_new(context_->context())) {
  SSL_set_app_data(ssl_, this);
  BIO* const bio = BIO_new(Method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_connect_state(ssl_);
  if (IsAddress(host_)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), host_.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl_, host_.c_str());
    SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(ssl_, host_.c_str());
  }
  if (SSL_SESSION* const session = tickets_->Take(); session != nullptr) {
    SSL_set_session(ssl_, session);
    SSL_SESSION_free(session);
  } else {
    awaits_ticket_ = true;
    tickets_->Begin();
  }
}

TlsStream::~TlsStream() {
  if (open_ && !broken_) SSL_shutdown(ssl_);
  // Otherwise OpenSSL does not resume the session.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
  ERR_clear_error();
  if (awaits_ticket_) tickets_->End(false);
}

int TlsStream::OnTicket(SSL* ssl, SSL_SESSION* session) {
  auto* const self = static_cast<TlsStream*>(SSL_get_app_data(ssl));
  self->tickets_->Add(session);
  if (std::exchange(self->awaits_ticket_, false)) self->tickets_->End(false);
  return 1;  // we own it now
}

// The server has replied without giving a ticket.
void TlsStream::NoTicket() {
  if (std::exchange(awaits_ticket_, false)) tickets_->End(true);
}

BIO_METHOD* TlsStream::Method() {
  static BIO_METHOD* const kMethod = [] {
    BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    BIO_meth_set_read(method, [](BIO* bio, char* target, int size) {
      BIO_clear_retry_flags(bio);
      const int read = static_cast<TlsStream*>(BIO_get_data(bio))->ReadBelow(target, size);
      if (read < 0) BIO_set_retry_read(bio);
      return read;
    });
    BIO_meth_set_write(method, [](BIO* bio, const char* bytes, int size) {
      BIO_clear_retry_flags(bio);
      const int64_t sent = static_cast<TlsStream*>(BIO_get_data(bio))
                               ->below_->Send(bytes, static_cast<size_t>(size));
      if (sent == kNotNow) BIO_set_retry_write(bio);
      return sent > 0 ? static_cast<int>(sent) : -1;
    });
    BIO_meth_set_ctrl(method,
                      [](BIO* bio, int command, long /*number*/, void* /*pointer*/) -> long {
                        if (command == BIO_CTRL_FLUSH) return 1;
                        if (command == BIO_CTRL_EOF)
                          return static_cast<TlsStream*>(BIO_get_data(bio))->ended_ ? 1 : 0;
                        return 0;
                      });
    return method;
  }();
  return kMethod;
}

// For OpenSSL: the number of bytes, -1 if there are none now, 0 at the end.
int TlsStream::ReadBelow(char* target, int size) {
  const auto wanted = static_cast<size_t>(size);
  if (input_ == nullptr) {
    const int64_t received = below_->Receive(target, wanted);
    if (received > 0) return static_cast<int>(received);
    ended_ = received != kNotNow;
    return ended_ ? 0 : -1;
  }
  if (unread_size_ == 0 && !Refill(wanted)) return ended_ ? 0 : -1;
  const size_t given = std::min(wanted, unread_size_);
  std::memcpy(target, unread_, given);
  unread_ += given;
  unread_size_ -= given;
  return static_cast<int>(given);
}

// Receives as much as the caller has room for in one call, instead of two calls per record.
bool TlsStream::Refill(size_t least) {
  const size_t records = wanted_ / kRecordBytes + 1;
  const size_t size =
      std::min(TlsInput::kBytes, std::max(least, wanted_ + records * kRecordOverhead));
  const int64_t received = below_->Receive(input_->data(), size);
  if (received <= 0) {
    ended_ = received != kNotNow;
    return false;
  }
  unread_ = input_->data();
  unread_size_ = static_cast<size_t>(received);
  unread_is_shared_ = true;
  return true;
}

// After this call another stream may use the shared buffer.
void TlsStream::KeepUnread() {
  if (unread_size_ == 0) {
    if (!kept_.empty()) std::vector<char>().swap(kept_);
  } else if (unread_is_shared_) {
    kept_.assign(unread_, unread_ + unread_size_);
    unread_ = kept_.data();
  }
  unread_is_shared_ = false;
}

int64_t TlsStream::Receive(char* target, size_t size) {
  if (std::exchange(drained_, false)) return kNotNow;
  size_t received = 0;
  int64_t outcome = kNotNow;
  while (received < size) {
    wanted_ = size - received;
    const int piece =
        SSL_read(ssl_, target + received, static_cast<int>(std::min(wanted_, size_t{1} << 30)));
    if (piece <= 0) {
      outcome = Outcome(piece);
      break;
    }
    received += static_cast<size_t>(piece);
  }
  KeepUnread();
  if (received == 0) return outcome;
  NoTicket();
  drained_ = received < size && outcome == kNotNow;
  return static_cast<int64_t>(received);
}

int64_t TlsStream::Send(const char* bytes, size_t size) {
  const int sent = SSL_write(ssl_, bytes, static_cast<int>(std::min(size, size_t{1} << 30)));
  return sent > 0 ? sent : Outcome(sent);
}

int64_t TlsStream::Outcome(int returned) {
  const int kind = SSL_get_error(ssl_, returned);
  wants_write_ = kind == SSL_ERROR_WANT_WRITE;
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return kNotNow;
  if (kind == SSL_ERROR_ZERO_RETURN) return kEnded;
  broken_ = true;
  failure_ = FailureOf(TakeError());
  return kBroken;
}

// OK if no more is known than that the connection ended.
Status TlsStream::FailureOf(unsigned long error) const {
  const Refusal* refusal = RefusalOf(error);
  const bool of_certificate = refusal != nullptr && (refusal->code == kCertificateRequired ||
                                                     refusal->code == kCertificateRefused);
  // With TLS 1.3 a server refuses the client's certificate only after the handshake. All else that
  // happens then may come from damaged bytes, and another connection helps.
  if (refusal == nullptr || (open_ && !of_certificate)) {
    return error == 0 || ended_ ? Status::Ok() : Failed(StatusCode::kEndpoint, "", TextOf(error));
  }
  const bool demanded =
      of_certificate || (refusal->code == kNoCommonCipher && AsksForCertificate(ssl_));
  if (demanded && !context_->has_client_cert()) refusal = &kDemandsCertificate;
  const bool speaks_tls = refusal->code != kNoTls;
  return Failed(speaks_tls ? StatusCode::kTls : StatusCode::kEndpoint, refusal->code, refusal->why);
}

Status TlsStream::Failed(StatusCode status, std::string_view code, const std::string& why) const {
  StatusDetail detail;
  detail.code = code;
  return Status(status,
                (open_ ? "TLS with " : "the TLS handshake with ") + host_ + " failed: " + why,
                std::move(detail));
}

// Only the tickets of TLS 1.3 may come while nothing was asked for.
bool TlsStream::IsQuiet() {
  drained_ = false;  // by now there may be more
  if (below_->IsQuiet() && unread_size_ == 0 && SSL_pending(ssl_) == 0) return true;
  char byte = 0;
  return Receive(&byte, 1) == kNotNow;
}

int64_t TlsStream::Handshake() {
  wanted_ = kRecordBytes;
  ERR_clear_error();
  const int returned = SSL_do_handshake(ssl_);
  KeepUnread();
  if (returned == 1) {
    open_ = true;
    if (SSL_version(ssl_) < TLS1_3_VERSION) NoTicket();  // it would have come with the handshake
    return 1;
  }
  const long verdict = context_->verify() ? SSL_get_verify_result(ssl_) : X509_V_OK;
  if (Outcome(returned) == kNotNow) return kNotNow;
  if (verdict != X509_V_OK) {
    StatusDetail detail;
    detail.code = CodeOf(verdict);
    failure_ = Status(StatusCode::kTls,
                      "the certificate of " + host_ +
                          " is not accepted: " + X509_verify_cert_error_string(verdict),
                      std::move(detail));
  } else if (failure_.ok()) {
    failure_ = Failed(StatusCode::kEndpoint, "", "the server closed the connection");
  }
  if (failure_.detail().code.empty()) failure_.mutable_detail().code = "TlsHandshakeFailed";
  return kBroken;
}

}  // namespace objectpipes
