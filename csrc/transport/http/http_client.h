// An event-driven HTTP/1.1 client, driven by the I/O thread.
//
// libcurl makes the connections (names, proxies, TLS); the requests and replies on them are ours,
// because that lets a body be received straight into its final buffer. Knows HTTP, nothing of
// object stores. One HttpClient per engine owns the connections; an HttpSession is what requests of
// one store have in common.
#pragma once

#include <curl/curl.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "transport/http/http_proxy.h"
#include "transport/http/http_request.h"
#include "transport/http/http_response.h"
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
  int64_t connect_timeout_ms = 0;             // TCP and TLS handshake
  int64_t stall_timeout_ms = 0;               // longest time without a byte, the first one included
  std::atomic<uint64_t>* requests = nullptr;  // counts those sent; null: nobody does
};

// As GetHandler, on the level of HTTP. OnDone gets OK when the reply is complete, whatever its
// status code.
class HttpHandler {
 public:
  virtual Flow OnHead(const HttpHead& head) = 0;
  virtual Space OnSpace() = 0;
  virtual Flow OnData(const char* data, size_t size) = 0;
  virtual void OnDone(const Status& status) = 0;

 protected:
  ~HttpHandler() = default;
};

// Whether an exchange that failed so would fail again, sent as it is.
bool IsHopeless(const Status& status);

class HttpConnection;

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
  // Moves all exchanges on; handlers are called from here only.
  void Advance(int64_t now_ms);

  bool idle() const { return busy_.empty() && unsendable_.empty(); }

 private:
  friend class HttpConnection;
  friend class HttpSession;
  class Unsendable;

  void EndUnsendable();

  void EndStalled();
  void CloseIdle();

  CURLM* const poll_;    // waits for sockets and wake-ups, portably; transfers nothing
  CURLSH* const share_;  // names and TLS sessions, for all connections
  std::vector<Unsendable*> unsendable_;                     // exchanges that will fail
  std::vector<HttpConnection*> busy_;                       // connecting, or serving an exchange
  std::vector<std::unique_ptr<HttpConnection>> to_delete_;  // may still be on the stack
  std::list<HttpConnection*> idle_;                         // of all sessions, the coldest first
  std::vector<curl_waitfd> waited_;
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

 private:
  friend class HttpConnection;

  HttpClient* const client_;
  const HttpOptions options_;
  const HttpProxy proxy_;
  // Open connections with nothing to do, by "scheme://authority"; the warmest last.
  std::map<std::string, std::deque<std::unique_ptr<HttpConnection>>, std::less<>> idle_;
};

}  // namespace objectpipes
