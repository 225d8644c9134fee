#include "transport/http/http_proxy.h"

#include <utility>

#include "base/encoding.h"
#include "base/uri.h"

namespace objectpipes {

Result<HttpProxy> HttpProxy::Parse(std::string_view url) {
  HttpProxy proxy;
  if (url.empty()) return proxy;
  const size_t scheme_end = url.find("://");
  const std::string scheme(scheme_end == std::string_view::npos ? "http"
                                                                : url.substr(0, scheme_end));
  if (scheme_end != std::string_view::npos) url.remove_prefix(scheme_end + 3);
  if (scheme != "http" && scheme != "https") {
    return Status(StatusCode::kConfig, "the URL of the proxy has the scheme " + scheme +
                                           ", but only http and https are supported");
  }
  url = url.substr(0, url.find_first_of("/?#"));
  // Messages do not quote the rest of the URL, which may have a password.
  const Status malformed(StatusCode::kConfig, "the URL of the proxy is malformed");
  if (const size_t at = url.rfind('@'); at != std::string_view::npos) {
    std::string user(url.substr(0, at));
    if (user.find(':') == std::string::npos) user.push_back(':');
    const Result<std::string> plain = UriDecode(user);
    if (!plain.ok()) return malformed;
    proxy.authorization_ = "Basic " + Base64Encode(plain.value());
    url.remove_prefix(at + 1);
  }
  Result<RemoteHost> remote = RemoteHost::Parse(scheme + "://" + std::string(url));
  if (!remote.ok()) return malformed;
  proxy.remote_ = std::move(remote).value();
  return proxy;
}

}  // namespace objectpipes
