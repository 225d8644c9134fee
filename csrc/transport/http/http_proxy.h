// The proxy between us and the servers, as far as its URL tells how to speak to it.
#pragma once

#include <string>
#include <string_view>

namespace objectpipes {

class HttpProxy {
 public:
  // "[scheme://][user[:password]@]host[:port]", the two percent-encoded; empty: no proxy.
  explicit HttpProxy(std::string_view url);

  // Whether requests for this origin ("scheme://authority") are sent to the proxy itself, in
  // absolute form (RFC 9112, 3.2.2). Otherwise it only makes the connection: a tunnel for https,
  // which many proxies refuse to make for anything else, or whatever SOCKS does.
  bool Forwards(std::string_view origin) const;
  // Whether what is sent to it is encrypted.
  bool tls() const { return tls_; }
  // The value of Proxy-Authorization; empty: the URL names no user.
  const std::string& authorization() const { return authorization_; }

 private:
  bool speaks_http_ = false;
  bool tls_ = false;
  std::string authorization_;
};

}  // namespace objectpipes
