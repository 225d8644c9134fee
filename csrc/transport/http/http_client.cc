#include "transport/http/http_client.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "base/clock.h"

namespace objectpipes {
namespace {

// The best of 16, 64, 128, 256 and 512 KiB for objects from 4 KiB to 256 MiB.
constexpr long kReceiveBuffer = 64L << 10;
constexpr long kKeptConnections = 256;
constexpr int64_t kStallCheckMs = 50;

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

StatusCode CodeOf(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return StatusCode::kTimeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_INITFAILED:
      return StatusCode::kTls;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return StatusCode::kProtocol;
    case CURLE_OUT_OF_MEMORY:
      return StatusCode::kInternal;
    default:
      return StatusCode::kEndpoint;
  }
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// HttpHead

const char* HttpHead::Find(std::string_view name) const {
  for (size_t line = 0; line < lines_.size();) {
    const size_t end = lines_.find('\n', line);
    if (line + name.size() < lines_.size() && lines_[line + name.size()] == ':' &&
        EqualIgnoringCase(std::string_view(lines_).substr(line, name.size()), name)) {
      return lines_.data() + line;
    }
    if (end == std::string::npos) break;
    line = end + 1;
  }
  return nullptr;
}

bool HttpHead::Has(std::string_view name) const { return Find(name) != nullptr; }

std::string_view HttpHead::Get(std::string_view name) const {
  const char* line = Find(name);
  if (line == nullptr) return {};
  const size_t begin = static_cast<size_t>(line - lines_.data()) + name.size() + 1;
  return Trim(std::string_view(lines_).substr(begin, lines_.find('\n', begin) - begin));
}

// ---------------------------------------------------------------------------------------------------
// HttpTransfer: one easy handle, and the exchange it serves at the moment.

class HttpExchange;

class HttpTransfer {
 public:
  HttpTransfer(HttpSession* session, const HttpOptions& options);
  ~HttpTransfer();

  void Begin(const HttpRequest& request, HttpHandler* handler, HttpExchange* exchange);
  void Resume();

  CURL* easy() const { return easy_; }
  bool Stalled(int64_t now_ms, int64_t limit_ms) const {
    return !paused_ && now_ms - last_byte_ms_ > limit_ms;
  }
  Status StatusOf(CURLcode code) const;
  Status StallStatus() const;

  HttpSession* const session_;
  HttpHandler* handler_ = nullptr;
  HttpExchange* exchange_ = nullptr;
  size_t active_index_ = 0;

 private:
  static size_t OnHeaderLine(char* line, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  size_t HeaderLine(std::string_view line);

  CURL* easy_;
  curl_slist* headers_ = nullptr;
  std::string body_;
  HttpHead head_;
  char error_[CURL_ERROR_SIZE] = {};
  bool head_done_ = false;
  bool stopped_ = false;
  bool paused_ = false;
  int64_t last_byte_ms_ = 0;
};

HttpTransfer::HttpTransfer(HttpSession* session, const HttpOptions& options)
    : session_(session), easy_(curl_easy_init()) {
  curl_easy_setopt(easy_, CURLOPT_PRIVATE, this);
  curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &HttpTransfer::OnHeaderLine);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &HttpTransfer::OnBody);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  // HTTP/2 would put all transfers of a host on one connection, and AIStore breaks on it.
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  // A key may contain "//", "/./" and "/../"; the URL is signed and must be sent as it is.
  curl_easy_setopt(easy_, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
  curl_easy_setopt(easy_, CURLOPT_USERAGENT, options.user_agent.c_str());
  curl_easy_setopt(easy_, CURLOPT_PROXY, options.proxy.c_str());
  if (!options.ca_file.empty()) {
    curl_easy_setopt(easy_, CURLOPT_CAINFO, options.ca_file.c_str());
    curl_easy_setopt(easy_, CURLOPT_PROXY_CAINFO, options.ca_file.c_str());
  }
  if (!options.ca_path.empty()) {
    curl_easy_setopt(easy_, CURLOPT_CAPATH, options.ca_path.c_str());
    curl_easy_setopt(easy_, CURLOPT_PROXY_CAPATH, options.ca_path.c_str());
  }
  if (!options.verify_tls) {
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (!options.client_cert.empty()) {
    curl_easy_setopt(easy_, CURLOPT_SSLCERT, options.client_cert.c_str());
    curl_easy_setopt(easy_, CURLOPT_SSLKEY, options.client_key.c_str());
  }
}

HttpTransfer::~HttpTransfer() {
  curl_easy_cleanup(easy_);
  curl_slist_free_all(headers_);
}

void HttpTransfer::Begin(const HttpRequest& request, HttpHandler* handler, HttpExchange* exchange) {
  handler_ = handler;
  exchange_ = exchange;
  head_.status_ = 0;
  head_.lines_.clear();
  head_done_ = stopped_ = paused_ = false;
  last_byte_ms_ = MonotonicMs();
  error_[0] = '\0';

  curl_slist_free_all(headers_);
  headers_ = curl_slist_append(nullptr, "Accept:");  // keep libcurl's own "*/*" out
  for (const std::string& header : request.headers) curl_slist_append(headers_, header.c_str());
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
  curl_easy_setopt(easy_, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, nullptr);
  if (request.method == HttpRequest::Method::kHead) {
    curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
  } else {
    curl_easy_setopt(easy_, CURLOPT_HTTPGET, 1L);
  }
  if (!request.body.empty()) {
    body_ = request.body;
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, body_.data());
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body_.size()));
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, "GET");
  }
}

void HttpTransfer::Resume() {
  if (!paused_) return;
  paused_ = false;
  last_byte_ms_ = MonotonicMs();
  curl_easy_pause(easy_, CURLPAUSE_CONT);
}

size_t HttpTransfer::OnHeaderLine(char* line, size_t size, size_t count, void* self) {
  return static_cast<HttpTransfer*>(self)->HeaderLine(std::string_view(line, size * count));
}

size_t HttpTransfer::HeaderLine(std::string_view line) {
  last_byte_ms_ = session_->client_->now_ms_;
  if (head_done_) return line.size();  // trailers of a chunked body
  if (line.substr(0, 5) == "HTTP/") {  // also the reply proper after a 1xx
    head_.lines_.clear();
    const size_t space = line.find(' ');
    head_.status_ =
        space == std::string_view::npos ? 0 : std::atoi(std::string(line.substr(space + 1, 3)).c_str());
    return line.size();
  }
  if (!Trim(line).empty()) {
    head_.lines_.append(line);
    return line.size();
  }
  if (head_.status_ < 200) return line.size();
  head_done_ = true;
  stopped_ = handler_->OnHead(head_) == Flow::kStop;
  return stopped_ ? 0 : line.size();
}

size_t HttpTransfer::OnBody(char* data, size_t size, size_t count, void* self) {
  auto* transfer = static_cast<HttpTransfer*>(self);
  transfer->last_byte_ms_ = transfer->session_->client_->now_ms_;
  switch (transfer->handler_->OnData(data, size * count)) {
    case Flow::kContinue:
      return size * count;
    case Flow::kPause:
      transfer->paused_ = true;
      return CURL_WRITEFUNC_PAUSE;
    case Flow::kStop:
      break;
  }
  transfer->stopped_ = true;
  return 0;
}

Status HttpTransfer::StatusOf(CURLcode code) const {
  if (stopped_) return Status(StatusCode::kCancelled, "stopped by the reader");
  if (code == CURLE_OK) return Status::Ok();
  StatusDetail detail;
  detail.code = "curl " + std::to_string(static_cast<int>(code));
  detail.http_status = head_.status_;
  return Status(CodeOf(code), error_[0] != '\0' ? error_ : curl_easy_strerror(code),
                std::move(detail));
}

Status HttpTransfer::StallStatus() const {
  StatusDetail detail;
  detail.http_status = head_.status_;
  return Status(StatusCode::kTimeout,
                "no byte arrived for " +
                    std::to_string(session_->options_.stall_timeout_ms) + " ms",
                std::move(detail));
}

// ---------------------------------------------------------------------------------------------------
// HttpExchange

class HttpExchange final : public Exchange {
 public:
  explicit HttpExchange(std::unique_ptr<HttpTransfer> transfer) : transfer_(std::move(transfer)) {}

  ~HttpExchange() override {
    if (transfer_ == nullptr) return;
    HttpSession* session = transfer_->session_;
    session->client_->Remove(transfer_.get());  // closes the connection if the reply is not complete
    session->idle_.push_back(std::move(transfer_));
  }

  void Resume() override {
    if (transfer_ != nullptr) transfer_->Resume();
  }

  HttpTransfer* transfer() const { return transfer_.get(); }
  std::unique_ptr<HttpTransfer> Detach() { return std::move(transfer_); }

 private:
  std::unique_ptr<HttpTransfer> transfer_;  // null once done
};

// ---------------------------------------------------------------------------------------------------
// HttpSession

HttpSession::HttpSession(HttpClient* client, HttpOptions options)
    : client_(client), options_(std::move(options)) {}

HttpSession::~HttpSession() = default;

std::unique_ptr<HttpTransfer> HttpSession::Acquire() {
  if (idle_.empty()) return std::make_unique<HttpTransfer>(this, options_);
  std::unique_ptr<HttpTransfer> transfer = std::move(idle_.back());
  idle_.pop_back();
  return transfer;
}

std::unique_ptr<Exchange> HttpSession::Start(const HttpRequest& request, HttpHandler* handler) {
  auto exchange = std::make_unique<HttpExchange>(Acquire());
  exchange->transfer()->Begin(request, handler, exchange.get());
  client_->Add(exchange->transfer());
  return exchange;
}

// ---------------------------------------------------------------------------------------------------
// HttpClient

HttpClient::HttpClient() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  multi_ = curl_multi_init();
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kKeptConnections);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
}

HttpClient::~HttpClient() { curl_multi_cleanup(multi_); }

void HttpClient::Wait(int64_t max_ms) {
  if (!idle()) max_ms = std::min(max_ms, kStallCheckMs);
  curl_multi_poll(multi_, nullptr, 0, static_cast<int>(max_ms), nullptr);
}

void HttpClient::Wakeup() { curl_multi_wakeup(multi_); }

void HttpClient::Advance(int64_t now_ms) {
  now_ms_ = now_ms;
  if (idle()) return;
  int running = 0;
  curl_multi_perform(multi_, &running);
  ReportFinished();
  if (now_ms - stalls_checked_ms_ >= kStallCheckMs) {
    stalls_checked_ms_ = now_ms;
    EndStalled();
  }
}

void HttpClient::Add(HttpTransfer* transfer) {
  transfer->active_index_ = active_.size();
  active_.push_back(transfer);
  curl_multi_add_handle(multi_, transfer->easy());
}

void HttpClient::Remove(HttpTransfer* transfer) {
  curl_multi_remove_handle(multi_, transfer->easy());
  active_[transfer->active_index_] = active_.back();
  active_[transfer->active_index_]->active_index_ = transfer->active_index_;
  active_.pop_back();
}

void HttpClient::ReportFinished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    char* owner = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
    auto* transfer = reinterpret_cast<HttpTransfer*>(owner);
    Finish(transfer, transfer->StatusOf(code));
  }
}

void HttpClient::EndStalled() {
  for (size_t i = 0; i < active_.size();) {
    HttpTransfer* transfer = active_[i];
    const int64_t limit_ms = transfer->session_->options_.stall_timeout_ms;
    if (limit_ms > 0 && transfer->Stalled(now_ms_, limit_ms)) {
      Finish(transfer, transfer->StallStatus());  // puts another transfer in place i
    } else {
      ++i;
    }
  }
}

void HttpClient::Finish(HttpTransfer* transfer, const Status& status) {
  HttpHandler* handler = transfer->handler_;
  Remove(transfer);
  transfer->session_->idle_.push_back(transfer->exchange_->Detach());
  handler->OnDone(status);  // may destroy the exchange and start others
}

}  // namespace objectpipes
