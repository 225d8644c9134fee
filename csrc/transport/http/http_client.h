// An event-driven HTTP/1.1 client: libcurl's multi interface, driven by the I/O thread.
//
// Knows HTTP and TLS, nothing of object stores. One HttpClient per engine owns the connections; an
// HttpSession is what requests of one store have in common (TLS, proxy, time limits).
#pragma once

#include <curl/curl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "transport/transport.h"

namespace objectpipes {

struct HttpOptions {
  std::string ca_file;  // PEM; empty: libcurl's default
  std::string ca_path;  // directory of hashed certificates; empty: none
  bool verify_tls = true;
  std::string client_cert;  // PEM files for mutual TLS; empty: none
  std::string client_key;
  std::string proxy;  // URL; empty: connect directly. The environment is never asked
  std::string user_agent;
  int64_t connect_timeout_ms = 0;  // TCP and TLS handshake
  int64_t stall_timeout_ms = 0;    // longest time without a byte, the first one included
};

struct HttpRequest {
  enum class Method : uint8_t { kGet, kHead };
  Method method = Method::kGet;
  std::string url;                   // absolute, percent-encoded; sent as it is
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // sent with the GET when not empty (AIStore lists this way)
};

// Status line and header fields of a reply. Views live as long as the callback they are passed to.
class HttpHead {
 public:
  int status() const { return status_; }
  // The value of the first field of this name (any case), without surrounding white space; empty if absent.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;

 private:
  friend class HttpTransfer;
  const char* Find(std::string_view name) const;

  int status_ = 0;
  std::string lines_;  // "Name: value\r\n" ...
};

// As GetHandler, on the level of HTTP. OnDone gets OK when the reply is complete, whatever its status code.
class HttpHandler {
 public:
  virtual Flow OnHead(const HttpHead& head) = 0;
  virtual Flow OnData(const char* data, size_t size) = 0;
  virtual void OnDone(const Status& status) = 0;

 protected:
  ~HttpHandler() = default;
};

class HttpTransfer;

class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Waits for the network, at most this long. Calls no handler.
  void Wait(int64_t max_ms);
  // Makes Wait() return, now or the next time. Any thread.
  void Wakeup();
  // Moves all transfers on; handlers are called from here only.
  void Advance(int64_t now_ms);

  bool idle() const { return active_.empty(); }

 private:
  friend class HttpSession;
  friend class HttpExchange;
  friend class HttpTransfer;
  void Add(HttpTransfer* transfer);
  void Remove(HttpTransfer* transfer);
  void ReportFinished();
  void EndStalled();
  void Finish(HttpTransfer* transfer, const Status& status);

  CURLM* multi_;
  std::vector<HttpTransfer*> active_;
  int64_t now_ms_ = 0;
  int64_t stalls_checked_ms_ = 0;
};

class HttpSession {
 public:
  // The client outlives its sessions, a session outlives its exchanges.
  HttpSession(HttpClient* client, HttpOptions options);
  ~HttpSession();
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  std::unique_ptr<Exchange> Start(const HttpRequest& request, HttpHandler* handler);

  const HttpOptions& options() const { return options_; }

 private:
  friend class HttpClient;
  friend class HttpExchange;
  friend class HttpTransfer;
  std::unique_ptr<HttpTransfer> Acquire();

  HttpClient* const client_;
  const HttpOptions options_;
  std::vector<std::unique_ptr<HttpTransfer>> idle_;  // configured handles for reuse
};

}  // namespace objectpipes
