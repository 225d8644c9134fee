#include "transport/http/http_url.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/ascii.h"
#include "base/excerpt.h"
#include "base/uri.h"
#include "net/remote_host.h"

namespace objectpipes {
namespace {

Status NoUrl(std::string_view text) {
  return Status::Protocol("the server sent an address that is not a URL: " + Excerpt(text));
}

// The length of "scheme:"; 0 if there is none.
size_t SchemeLength(std::string_view reference) {
  const size_t colon = reference.find(':');
  if (colon == 0 || colon >= reference.find_first_of("/?#")) return 0;
  const std::string_view scheme = reference.substr(0, colon);
  const bool valid =
      !IsDigit(scheme.front()) && std::all_of(scheme.begin(), scheme.end(), [](char c) {
        return IsAlphanumeric(c) || c == '+' || c == '-' || c == '.';
      });
  return valid ? colon + 1 : 0;
}

// Sets host and authority; false if it is malformed.
bool SetAuthority(std::string_view text, HttpUrl* url) {
  const size_t colon = text.rfind(':');
  uint16_t port = 0;
  if (colon != std::string_view::npos && text.back() != ']') {
    const bool left_out = colon + 1 == text.size();  // "host:" is allowed
    port = ParseInteger<uint16_t>(text.substr(colon + 1)).value_or(0);
    if (port == 0 && !left_out) return false;
    text = text.substr(0, colon);
  }
  url->host = ToLower(text);
  url->authority = url->host;
  const bool usual = port == 0 || port == (url->is_tls() ? 443 : 80);
  if (!usual) url->authority.append(":").append(std::to_string(port));
  return IsHost(url->host);
}

// Encodes text for a request line. Text that is already encoded stays as it is.
std::string Encoded(std::string_view text) {
  constexpr std::string_view kExcluded = " \"<>\\^`{|}";
  std::string out;
  for (const char c : text) {
    const bool kept =
        static_cast<unsigned char>(c) < 0x80 && kExcluded.find(c) == std::string_view::npos;
    out.append(kept ? std::string(1, c) : UriEncode({&c, 1}));
  }
  return out;
}

// RFC 3986, 5.2.4. `path` begins with a slash.
std::string WithoutDotSegments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(1, end - 1);
    const bool last = end == path.size();
    if (segment == ".." && !out.empty()) out.erase(out.rfind('/'));
    if (segment == "." || segment == "..") {
      if (last) out.push_back('/');
    } else {
      out.append("/").append(segment);
    }
    path.remove_prefix(end);
  }
  return out.empty() ? "/" : out;
}

void SetPathAndQuery(std::string_view text, HttpUrl* url) {
  text = text.substr(0, text.find('#'));
  const size_t query = std::min(text.find('?'), text.size());
  url->path = Encoded(text.substr(0, query));
  if (url->path.empty()) url->path = "/";
  url->query = query < text.size() ? Encoded(text.substr(query + 1)) : "";
}

}  // namespace

bool IsHost(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return host.find_first_not_of("0123456789abcdef:.", 1) == host.size() - 1;
  }
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return IsLower(c) || IsDigit(c) || c == '-' || c == '.' || c == '_';
  });
}

std::string HostAndPortOf(std::string_view url) {
  const size_t path = url.find_first_of("/?#", url.find("://") + 3);
  const Result<RemoteHost> host = RemoteHost::Parse(ToLower(url.substr(0, path)));
  return host.ok() ? host.value().ToString() : std::string();
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return IsControl(c); });
}

size_t FindPath(std::string_view reference) {
  const size_t scheme = SchemeLength(reference);
  if (reference.substr(scheme, 2) != "//") return scheme;
  return std::min(reference.find_first_of("/?#", scheme + 2), reference.size());
}

Result<HttpUrl> ParseHttpUrl(std::string_view text) {
  const size_t scheme = SchemeLength(text);
  HttpUrl url;
  url.scheme = ToLower(text.substr(0, scheme == 0 ? 0 : scheme - 1));
  const bool known = url.scheme == "http" || url.scheme == "https";
  if (!known || text.substr(scheme, 2) != "//" || HasControl(text)) return NoUrl(text);
  const size_t path = FindPath(text);
  if (!SetAuthority(text.substr(scheme + 2, path - scheme - 2), &url)) return NoUrl(text);
  SetPathAndQuery(text.substr(path), &url);
  return url;
}

Result<HttpUrl> ResolveReference(const HttpUrl& base, std::string_view reference) {
  if (HasControl(reference)) return NoUrl(reference);
  reference = reference.substr(0, reference.find('#'));
  HttpUrl url = base;
  if (reference.empty()) return url;
  if (reference.front() == '?') {
    url.query = Encoded(reference.substr(1));
    return url;
  }
  const bool absolute = SchemeLength(reference) > 0;
  if (absolute || reference.substr(0, 2) == "//") {
    std::string text = absolute ? "" : base.scheme + ":";
    Result<HttpUrl> parsed = ParseHttpUrl(text.append(reference));
    if (!parsed.ok()) return parsed.status();
    url = std::move(parsed).value();
  } else if (reference.front() == '/') {
    SetPathAndQuery(reference, &url);
  } else {
    SetPathAndQuery(base.path.substr(0, base.path.rfind('/') + 1) + std::string(reference), &url);
  }
  url.path = WithoutDotSegments(url.path);
  return url;
}

}  // namespace objectpipes
