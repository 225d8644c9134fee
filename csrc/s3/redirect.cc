#include "s3/redirect.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/uri.h"

namespace objectpipes {
namespace {

constexpr size_t kMaxRegionBytes = 64;

// Removes it from the front, or the back; false if it is not there.
bool Skip(std::string_view prefix, std::string_view* text) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}
bool SkipBack(std::string_view suffix, std::string_view* text) {
  if (text->size() < suffix.size()) return false;
  if (text->substr(text->size() - suffix.size()) != suffix) return false;
  text->remove_suffix(suffix.size());
  return true;
}

// "s3.us-east-1.amazonaws.com" and its other or older forms. Other names in this domain may lead to
// anybody's servers.
bool IsAws(std::string_view host) {
  if (!SkipBack(".amazonaws.com", &host) && !SkipBack(".amazonaws.com.cn", &host)) return false;
  if (host == "s3") return true;
  if (Skip("s3.", &host) || Skip("s3-fips.", &host)) {
    Skip("dualstack.", &host);
    return IsRegion(host);
  }
  return Skip("s3-", &host) && IsRegion(host);
}

bool IsOfRegion(std::string_view endpoint, std::string_view host) {
  constexpr std::string_view kPlaceholder = "{region}";
  const size_t at = endpoint.find(kPlaceholder);
  return at != std::string_view::npos && Skip(endpoint.substr(0, at), &host) &&
         SkipBack(endpoint.substr(at + kPlaceholder.size()), &host) && IsRegion(host);
}

std::string WithRegion(std::string_view endpoint) {
  std::string host(endpoint);
  if (const size_t at = host.find("{region}"); at != std::string::npos) host.replace(at, 8, "x");
  return host;
}

bool IsEndpoint(std::string_view endpoint, std::string_view host) {
  return host == endpoint || IsOfRegion(endpoint, host) ||
         (IsAws(host) && IsAws(WithRegion(endpoint)));
}

}  // namespace

bool IsRegion(std::string_view text) {
  return !text.empty() && text.size() <= kMaxRegionBytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_'; });
}

bool IsHostOf(std::string_view endpoint, std::string_view bucket, std::string_view host) {
  if (IsEndpoint(endpoint, host)) return true;
  return Skip(bucket, &host) && Skip(".", &host) && IsEndpoint(endpoint, host);
}

Result<HttpUrl> ResolveRedirect(const HttpUrl& from, std::string_view location) {
  const size_t begin = FindPath(location);
  const std::string_view rest = location.substr(begin);
  const Result<std::string> plain = UriDecode(from.path);
  const size_t size = plain.ok() ? plain.value().size() : 0;
  const bool same = size > 0 && rest.substr(0, size) == plain.value() &&
                    (rest.size() == size || rest[size] == '?' || rest[size] == '&');
  if (!same) return ResolveReference(from, location);
  std::string without_path(location.substr(0, begin));
  without_path.append("/?").append(rest.substr(std::min(size + 1, rest.size())));
  Result<HttpUrl> to = ResolveReference(from, without_path);
  if (to.ok()) to.value().path = from.path;
  return to;
}

}  // namespace objectpipes
