// The proxy, as its URL describes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/remote_host.h"

namespace objectpipes {

class HttpProxy {
 public:
  HttpProxy() = default;  // none
  // "[scheme://][user[:password]@]host[:port]", the two percent-encoded; empty: no proxy.
  static Result<HttpProxy> Parse(std::string_view url);

  // Whether requests for this origin ("scheme://authority") go to the proxy itself, in absolute
  // form (RFC 9112, 3.2.2). Otherwise the proxy makes a tunnel; many proxies do that only for
  // https.
  bool Forwards(std::string_view origin) const { return remote_ && origin.substr(0, 5) == "http:"; }
  const std::optional<RemoteHost>& remote() const { return remote_; }
  // The value of Proxy-Authorization; empty: the URL names no user.
  const std::string& authorization() const { return authorization_; }

 private:
  std::optional<RemoteHost> remote_;
  std::string authorization_;
};

}  // namespace objectpipes
