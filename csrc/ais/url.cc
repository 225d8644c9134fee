#include "ais/url.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"

namespace objectpipes::ais {
namespace {

constexpr std::string_view kSchemeEnd = "://";

// The characters that AIStore allows in names of buckets and namespaces. Checked here because the
// name becomes part of a path, and because a 404 would not explain a mistake such as
// "ais://bucket?x".
bool IsPlainName(std::string_view name) {
  const auto allowed = [](char c) { return IsAlphanumeric(c) || c == '-' || c == '_' || c == '.'; };
  return std::all_of(name.begin(), name.end(), allowed) &&
         name.find("..") == std::string_view::npos;
}

Status Invalid(std::string_view url, std::string_view reason) {
  std::string message = "\"";
  message.append(url).append("\" ").append(reason);
  return Status::InvalidArgument(std::move(message));
}

// Removes and returns the part of `text` before the first `separator`, or all of it.
std::string_view TakeUntil(char separator, std::string_view* text) {
  const size_t end = std::min(text->find(separator), text->size());
  const std::string_view part = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return part;
}

// "@uuid#ns", "@uuid", "#ns" -> "@uuid#ns"; empty if malformed.
std::string CanonicalNamespace(std::string_view text) {
  if (text.front() == '@') text.remove_prefix(1);
  const std::string_view uuid = TakeUntil('#', &text);
  if (!IsPlainName(uuid) || !IsPlainName(text)) return {};
  return "@" + std::string(uuid) + "#" + std::string(text);
}

}  // namespace

BucketName SplitBucket(std::string_view bucket) {
  BucketName parts;
  parts.provider = TakeUntil('/', &bucket);
  parts.name_space = TakeUntil('/', &bucket);
  parts.name = bucket;
  return parts;
}

Result<Url> ParseUrl(std::string_view url) {
  const size_t scheme_size = url.find(kSchemeEnd);
  if (scheme_size == std::string_view::npos) {
    return Invalid(url, "is not an AIStore URL; write ais://bucket/name");
  }
  const std::string scheme = ToLower(url.substr(0, scheme_size));
  const auto* const provider = std::find_if(std::begin(kProviders), std::end(kProviders),
                                            [&](const Provider& p) { return p.scheme == scheme; });
  if (provider == std::end(kProviders)) {
    return Invalid(url,
                   "does not start with a provider of AIStore: ais, aws (or s3), gcp (gs), "
                   "azure (az), oci (oc)");
  }

  std::string_view rest = url.substr(scheme_size + kSchemeEnd.size());
  std::string_view written_namespace;
  std::string name_space(kGlobalNamespace);
  if (!rest.empty() && (rest.front() == '@' || rest.front() == '#')) {
    written_namespace = TakeUntil('/', &rest);
    name_space = CanonicalNamespace(written_namespace);
    if (name_space.empty()) return Invalid(url, "has a malformed namespace; write @uuid#name");
  }

  const std::string_view bucket = TakeUntil('/', &rest);
  if (bucket.empty()) return Invalid(url, "does not name a bucket; write ais://bucket/name");
  if (!IsPlainName(bucket)) {
    return Invalid(url,
                   "has a malformed bucket name; it may have letters, digits, '-', '_' and single "
                   "dots");
  }

  Url parsed;
  parsed.object.bucket.append(provider->name)
      .append("/")
      .append(name_space)
      .append("/")
      .append(bucket);
  parsed.object.key = rest;
  parsed.root.append(scheme).append(kSchemeEnd);
  if (!written_namespace.empty()) parsed.root.append(written_namespace).append("/");
  parsed.root.append(bucket).append("/");
  return parsed;
}

Result<Url> ParseObjectUrl(std::string_view url) {
  Result<Url> parsed = ParseUrl(url);
  if (!parsed.ok()) return parsed;
  if (parsed.value().object.key.empty()) return Invalid(url, "names a bucket, not an object");
  return parsed;
}

std::string UrlOf(const ObjectId& object) {
  const BucketName bucket = SplitBucket(object.bucket);
  std::string url(bucket.provider);
  url.append(kSchemeEnd);
  if (bucket.name_space != kGlobalNamespace) url.append(bucket.name_space).append("/");
  url.append(bucket.name);
  if (!object.key.empty()) url.append("/").append(object.key);
  return url;
}

}  // namespace objectpipes::ais
