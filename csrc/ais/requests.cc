#include "ais/requests.h"

#include <utility>

#include "ais/list_page.h"
#include "ais/list_scope.h"
#include "ais/url.h"
#include "base/encoding.h"
#include "base/excerpt.h"
#include "base/uri.h"
#include "transport/http/http_url.h"

namespace objectpipes::ais {
namespace {

// Flags of a listing (LsoMsg).
constexpr uint64_t kArchiveMembers = 1 << 3;
constexpr uint64_t kNoRecursion = 1 << 11;

std::string WithQuery(std::string path, QueryParameters query, const BucketName& bucket) {
  query.emplace_back("provider", bucket.provider);
  if (bucket.name_space != kGlobalNamespace) query.emplace_back("namespace", bucket.name_space);
  return path.append("?").append(CanonicalQuery(query));
}

// Appends text as JSON. Bytes that are not UTF-8 stay as they are: names in AIStore may have them,
// and a listing accepts them.
void AppendText(std::string_view text, std::string* json) {
  json->push_back('"');
  for (const char c : text) {
    if (static_cast<uint8_t>(c) < 0x20) {
      json->append("\\u00").append(HexEncode({&c, 1}));
      continue;
    }
    if (c == '"' || c == '\\') json->push_back('\\');
    json->push_back(c);
  }
  json->push_back('"');
}

// Appends a member of a JSON object that is not its first.
void AppendMember(std::string_view name, std::string_view text, std::string* json) {
  json->append(",\"").append(name).append("\":");
  AppendText(text, json);
}

Status NoTarget(std::string_view location) {
  return Status::Protocol("AIStore redirects to \"" + Excerpt(location) +
                          "\", which is not a target");
}

// Where a reference in the reply to a request for `url` leads. Fails if it leads from https to
// http.
Result<HttpUrl> Follow(std::string_view reference, std::string_view url) {
  const Result<HttpUrl> from = ParseHttpUrl(url);
  if (!from.ok()) return from.status();
  Result<HttpUrl> to = ResolveReference(from.value(), reference);
  if (!to.ok()) return NoTarget(reference);
  if (from.value().is_tls() && !to.value().is_tls()) {
    return Status(StatusCode::kEndpoint,
                  "AIStore redirects to " + Excerpt(to.value().origin()) +
                      ", which is not encrypted: a request to https:// is not repeated there");
  }
  return to;
}

}  // namespace

std::string BucketUri(std::string_view bucket) {
  const BucketName parts = SplitBucket(bucket);
  return WithQuery("/v1/buckets/" + std::string(parts.name), {}, parts);
}

std::string ObjectUri(const ObjectId& object, const ReadOptions& options) {
  const BucketName bucket = SplitBucket(object.bucket);
  QueryParameters query;
  if (!options.archpath.empty()) query.emplace_back("archpath", options.archpath);
  if (!options.etl_name.empty()) query.emplace_back("etl_name", options.etl_name);
  if (!options.etl_args.empty()) query.emplace_back("etl_args", options.etl_args);
  if (options.latest) query.emplace_back("latest-ver", "true");
  std::string path = "/v1/objects/";
  path.append(bucket.name).append("/").append(UriEncodePath(object.key));
  return WithQuery(std::move(path), std::move(query), bucket);
}

Result<std::string> FollowRedirect(std::string_view location, std::string_view url) {
  const size_t path = FindPath(location);
  // The last '?': names come unencoded, and our own queries have no other '?'.
  const size_t query = location.rfind('?');
  const bool has_both = query != std::string_view::npos && query > path;
  if (!has_both) return NoTarget(location);
  std::string without_name(location.substr(0, path));
  const Result<HttpUrl> to = Follow(without_name.append("/").append(location.substr(query)), url);
  if (!to.ok()) return to.status();
  const std::string_view asked = url.substr(FindPath(url));
  return to.value().origin().append(asked.substr(0, asked.find('?'))) + "?" + to.value().query;
}

Result<std::string> ListBody(const ListRequest& request) {
  if (!request.delimiter.empty() && request.delimiter != "/") {
    return Status(StatusCode::kNotSupported, "AIStore lists only with the delimiter \"/\"");
  }
  uint64_t flags = 0;
  if (request.archive_members) flags |= kArchiveMembers;
  if (!request.delimiter.empty()) flags |= kNoRecursion;
  const ListToken token = SplitListToken(request.token);
  std::string body = "{\"action\":\"list\",\"value\":{\"props\":\"name,size,checksum,version\"";
  const ListScope scope = ScopeOf(request);
  AppendMember("prefix", scope.prefix, &body);
  // Not on later pages, where it would override the token.
  if (token.name.empty()) AppendMember("start_after", scope.start_after, &body);
  // A page that is requested again is listed again, and not taken from the job's cache.
  AppendMember("uuid", request.route == Route::kFallback ? "" : token.job, &body);
  AppendMember("continuation_token", token.name, &body);
  AppendMember("flags", std::to_string(flags), &body);  // AIStore refuses a number
  body.append(",\"pagesize\":0}}");                     // as many as the cluster gives at once
  return body;
}

Result<std::string> FollowEtlRedirect(std::string_view location, std::string_view url) {
  if (location.empty()) return NoTarget(location);
  const Result<HttpUrl> to = Follow(location, url);
  if (!to.ok()) return to.status();
  return to.value().text();
}

}  // namespace objectpipes::ais
