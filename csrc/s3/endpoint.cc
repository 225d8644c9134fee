#include "s3/endpoint.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/uri.h"
#include "transport/http/http_url.h"

namespace objectpipes {
namespace {

Status NotAnEndpoint(std::string_view url) {
  return Status(
      StatusCode::kConfig,
      "The endpoint is not of the form http[s]://host[:port][/path]: " + std::string(url));
}

}  // namespace

// The last label of a name is never a number; that of an IPv4 address always is.
bool IsIpAddress(std::string_view host) {
  if (host.front() == '[') return true;
  const size_t label_end = host.find_last_not_of("0123456789");
  return IsDigit(host.back()) && (label_end == std::string_view::npos || host[label_end] == '.');
}

bool IsDnsLabel(std::string_view bucket) {
  const auto is_alphanumeric = [](char c) { return IsLower(c) || IsDigit(c); };
  return bucket.size() >= 3 && bucket.size() <= 63 && is_alphanumeric(bucket.front()) &&
         is_alphanumeric(bucket.back()) && std::all_of(bucket.begin(), bucket.end(), [&](char c) {
           return is_alphanumeric(c) || c == '-';
         });
}

Result<Endpoint> ParseEndpoint(std::string_view url, Addressing addressing) {
  const std::string_view origin = url.substr(0, FindPath(url));
  if (origin.find('@') != std::string_view::npos) {  // not quoted: it may hold a password
    return Status(StatusCode::kConfig, "The endpoint's URL must not contain a user name.");
  }
  const Result<HttpUrl> parsed = ParseHttpUrl(url);
  const bool has_more = url.find_first_of("?#") != std::string_view::npos;
  if (!parsed.ok() || origin.back() == ':' || has_more) return NotAnEndpoint(url);
  const HttpUrl& parts = parsed.value();

  Endpoint endpoint;
  endpoint.scheme = parts.scheme;
  endpoint.host = parts.host;
  if (parts.authority != parts.host) {
    endpoint.port =
        ParseInteger<uint16_t>(parts.authority.substr(parts.host.size() + 1)).value_or(0);
  }
  endpoint.addressing = IsIpAddress(endpoint.host) ? Addressing::kPath : addressing;
  const Result<std::string> path = UriDecode(parts.path);
  if (!path.ok()) return NotAnEndpoint(url);
  endpoint.base_path = UriEncodePath(path.value());
  endpoint.base_path.resize(endpoint.base_path.find_last_not_of('/') + 1);  // npos + 1 is 0
  return endpoint;
}

RequestTarget MakeRequestTarget(const Endpoint& endpoint, std::string_view bucket,
                                std::string_view key, std::string_view query) {
  RequestTarget target;
  target.path = endpoint.base_path;
  if (endpoint.addressing == Addressing::kVirtual && IsDnsLabel(bucket)) {
    target.host.append(bucket).append(".");
    target.path.append("/");
  } else {
    target.path.append("/").append(UriEncode(bucket));
    if (!key.empty()) target.path.append("/");
  }
  target.host.append(endpoint.host);
  if (endpoint.port != 0) target.host.append(":").append(std::to_string(endpoint.port));
  target.path.append(UriEncodePath(key));

  target.url.reserve(endpoint.scheme.size() + 3 + target.host.size() + target.path.size() + 1 +
                     query.size());
  target.url.append(endpoint.scheme).append("://").append(target.host).append(target.path);
  if (!query.empty()) target.url.append("?").append(query);
  return target;
}

std::string BucketInEndpoint(const Endpoint& endpoint, std::string_view bucket) {
  const std::string_view path = endpoint.base_path;
  if (!path.empty() && (bucket.empty() || path.substr(path.rfind('/') + 1) == UriEncode(bucket))) {
    return " The likely cause is the path of endpoint_url, " + std::string(path) +
           ": remove the bucket's name from it, because each request adds that.";
  }
  const std::string_view host = endpoint.host;
  const size_t dot = host.find('.');
  if (IsIpAddress(host) || dot == std::string_view::npos) return {};
  const std::string_view label = host.substr(0, dot);
  if (!bucket.empty() && label != ToLower(bucket)) return {};
  return " A likely cause is the host of endpoint_url: if its first label, " + std::string(label) +
         ", is the bucket's name, remove it, because each request adds that.";
}

}  // namespace objectpipes
