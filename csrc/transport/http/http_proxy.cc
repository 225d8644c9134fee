#include "transport/http/http_proxy.h"

#include "base/encoding.h"
#include "base/uri.h"

namespace objectpipes {

HttpProxy::HttpProxy(std::string_view url) {
  if (url.empty()) return;
  const size_t scheme_end = url.find("://");
  const std::string_view scheme =
      scheme_end == std::string_view::npos ? "http" : url.substr(0, scheme_end);
  if (scheme_end != std::string_view::npos) url.remove_prefix(scheme_end + 3);
  tls_ = scheme == "https";
  speaks_http_ = tls_ || scheme == "http";
  const size_t at = url.rfind('@');
  if (at == std::string_view::npos) return;
  std::string user(url.substr(0, at));
  if (user.find(':') == std::string::npos) user.push_back(':');
  const Result<std::string> plain = UriDecode(user);
  // Of a malformed one, libcurl says so when it is to connect.
  if (plain.ok()) authorization_ = "Basic " + Base64Encode(plain.value());
}

bool HttpProxy::Forwards(std::string_view origin) const {
  return speaks_http_ && origin.substr(0, 5) == "http:";
}

}  // namespace objectpipes
