// An event-driven HTTP/1.1 client, driven by the I/O thread.
//
// It knows HTTP, but no object stores. One HttpClient per engine owns the connections. An
// HttpSession is what all requests to one store have in common. The number of connections is
// limited: a request without one waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "net/dialer.h"
#include "net/network.h"
#include "transport/http/http_proxy.h"
#include "transport/http/http_request.h"
#include "transport/http/http_response.h"
#include "transport/transport.h"

namespace objectpipes {

struct HttpOptions {
  TlsOptions tls;
  std::string proxy;     // URL; empty: connect directly. The environment is never asked
  std::string no_proxy;  // hosts that bypass it, as in NO_PROXY
  std::string user_agent;
  int64_t connect_timeout_ms = 0;             // name, TCP, proxy and TLS
  int64_t stall_timeout_ms = 0;               // longest time without a byte, also before the first
  std::atomic<uint64_t>* requests = nullptr;  // counts requests sent; may be null
  std::atomic<bool>* answered = nullptr;      // set once a server has replied; may be null

  // Calls visit(name, &field) for each that a user may set.
  template <typename Visit>
  void ForEach(const Visit& visit) {
    visit("ca_file", &tls.ca_file);
    visit("ca_path", &tls.ca_path);
    visit("verify_tls", &tls.verify);
    visit("client_cert", &tls.client_cert);
    visit("client_key", &tls.client_key);
    visit("proxy", &proxy);
    visit("no_proxy", &no_proxy);
    visit("user_agent", &user_agent);
    visit("connect_timeout_ms", &connect_timeout_ms);
    visit("stall_timeout_ms", &stall_timeout_ms);
  }
};

// Like GetHandler, for HTTP. OnDone gets OK if the reply is complete, whatever its status code.
class HttpHandler {
 public:
  // The request had to wait until a new connection was open, and is sent now.
  virtual void OnConnected() {}
  virtual Flow OnHead(const HttpHead& head) = 0;
  virtual Space OnSpace() { return {}; }
  virtual Flow OnData(const char* data, size_t size) = 0;
  virtual void OnDone(const Status& status) = 0;

 protected:
  ~HttpHandler() = default;
};

// Whether the same request would fail again in the same way.
bool IsHopeless(const Status& status);

class HttpConnection;
class HttpExchange;
class HttpSession;

// The connections of a session to one origin, and the exchanges that wait for one.
struct ConnectionGroup {
  HttpSession* session;
  std::string origin;  // "scheme://authority"
  Status error;        // why there can be no connection
  HttpProxy proxy;     // none if the origin bypasses it
  RemoteHost host;
  DialOptions dial;
  size_t live = 0;                                   // connecting, busy or idle
  std::deque<std::unique_ptr<HttpConnection>> idle;  // the last used at the end
  std::list<HttpExchange*> waiting;                  // in the order of arrival
};

class HttpClient {
 public:
  static constexpr size_t kMaxPerEndpoint = 128;

  // `max_connections`: of all endpoints; 0: half of the descriptors that the process may still
  // have. `name_servers`: as for the Resolver.
  explicit HttpClient(size_t max_connections = 0, std::string name_servers = "");
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Waits for the network, at most this long. Calls no handler. Returns how long it meant to wait.
  int64_t Wait(int64_t max_ms);
  // Makes Wait() return, now or the next time. Any thread.
  void Wakeup() { network_.reactor()->Wakeup(); }
  // Sets the time, by a clock that stands still while the process is stopped.
  void BeginTurn(int64_t now_ms) { now_ms_ = now_ms; }
  // Advances all exchanges. Handlers are called only from here.
  void Advance(int64_t monotonic_ms);

  // Whether exchanges wait for a connection.
  bool lacks_connections() const { return !waiting_.empty(); }

 private:
  friend class HttpConnection;
  friend class HttpExchange;
  friend class HttpSession;

  void EndStalled();
  void CloseIdle();
  size_t MaxConnections();
  bool MayOpen(const ConnectionGroup& group);
  bool Serve(ConnectionGroup* group, HttpExchange* exchange);
  void Enqueue(ConnectionGroup* group, HttpExchange* exchange, bool first);
  void Dequeue(ConnectionGroup* group, std::list<HttpExchange*>::iterator place);
  void ServeWaiting();
  bool MakeRoomFor(const ConnectionGroup& group);
  void LowerMaxConnections();

  Network network_;
  std::vector<HttpConnection*> busy_;       // connecting, or serving an exchange
  std::vector<HttpConnection*> attention_;  // have something to do; null: removed
  std::vector<HttpConnection*> attended_;
  std::vector<std::unique_ptr<HttpConnection>> to_delete_;  // may still be on the stack
  std::list<HttpConnection*> idle_;        // of all sessions, the longest idle first
  std::vector<ConnectionGroup*> waiting_;  // groups with waiting exchanges
  std::map<std::string, size_t> live_of_origin_;
  size_t live_ = 0;
  const size_t given_max_connections_;
  size_t max_connections_ = 0;
  int64_t descriptors_counted_ms_ = -1;
  int64_t no_sockets_until_ms_ = 0;
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
  // Closes the idle connections to an origin: something on the way may have dropped them.
  void CloseIdle(const std::string& origin);
  bool lacks_connections() const { return client_->lacks_connections(); }

 private:
  friend class HttpClient;
  friend class HttpConnection;
  friend class HttpExchange;

  ConnectionGroup* GroupOf(const std::string& origin);

  HttpClient* const client_;
  const HttpOptions options_;
  const Result<HttpProxy> proxy_;
  std::map<std::string, ConnectionGroup> groups_;  // by origin
};

}  // namespace objectpipes
