#include "ais/requests.h"

#include <algorithm>
#include <utility>

#include "ais/json.h"
#include "ais/list_page.h"
#include "ais/url.h"
#include "base/uri.h"

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

// JSON is UTF-8, names in AIStore need not be. Anything but refusing would name another object.
Result<std::string> Serialize(const Json& body) {
  try {
    return body.dump();
  } catch (const Json::exception&) {  // the library has no other way to say it
    return Status::InvalidArgument("A name that is not UTF-8 cannot be part of this request");
  }
}

struct Location {
  std::string_view origin;  // "http://host:port"
  std::string_view path;
  std::string_view query;
};

// A query, and the path of a batch, are sent as they came: they must be fit for a request line.
bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7F'; });
}

Result<Location> ParseLocation(std::string_view text) {
  const Status malformed =
      Status::Protocol("AIStore redirects to \"" + std::string(text) + "\", which is no target");
  const bool http = text.substr(0, 7) == "http://" || text.substr(0, 8) == "https://";
  const size_t authority = text.find("://") + 3;
  const size_t path = text.find('/', authority);
  // The last one: names come unencoded, and a query of ours never has one inside.
  const size_t query = text.rfind('?');
  if (!http || path == std::string_view::npos || path == authority ||
      query == std::string_view::npos || query < path) {
    return malformed;
  }
  const Location location{text.substr(0, path), text.substr(path, query - path),
                          text.substr(query + 1)};
  if (!IsPrintable(location.origin) || !IsPrintable(location.query)) return malformed;
  return location;
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

Result<std::string> FollowRedirect(std::string_view location, std::string_view uri) {
  const Result<Location> target = ParseLocation(location);
  if (!target.ok()) return target.status();
  std::string url(target.value().origin);
  url.append(uri.substr(0, uri.find('?'))).append("?").append(target.value().query);
  return url;
}

std::string ListUri(std::string_view bucket) { return BucketUri(bucket); }

Result<std::string> ListBody(const ListRequest& request) {
  if (!request.delimiter.empty() && request.delimiter != "/") {
    return Status(StatusCode::kNotSupported, "AIStore lists with no other delimiter than \"/\"");
  }
  uint64_t flags = 0;
  if (request.archive_members) flags |= kArchiveMembers;
  if (!request.delimiter.empty()) flags |= kNoRecursion;
  const ListToken token = SplitListToken(request.token);
  // On later pages start_after would win over the token.
  const std::string start_after = token.name.empty() ? request.start_after : std::string();
  return Serialize({{"action", "list"},
                    {"value",
                     {{"prefix", request.prefix},
                      {"props", "name,size,checksum,version"},
                      {"pagesize", request.max_keys},
                      {"start_after", start_after},
                      {"uuid", token.job},
                      {"continuation_token", token.name},
                      {"flags", std::to_string(flags)}}}});  // as a number it is refused
}

std::string BatchUri(std::string_view bucket, bool colocated) {
  const BucketName parts = SplitBucket(bucket);
  QueryParameters query;
  if (colocated) query.emplace_back("coloc", "1");
  return WithQuery("/v1/ml/moss/" + std::string(parts.name), std::move(query), parts);
}

Result<std::string> BatchBody(const std::vector<BatchEntry>& entries) {
  Json in = Json::array();
  for (const BatchEntry& entry : entries) {
    Json item = {{"objname", entry.key}};
    if (!entry.archpath.empty()) item["archpath"] = entry.archpath;
    if (entry.begin != 0 || entry.end != kToTheEnd) {
      item["start"] = entry.begin;
      item["length"] =
          entry.end == kToTheEnd ? int64_t{-1} : static_cast<int64_t>(entry.end - entry.begin);
    }
    in.push_back(std::move(item));
  }
  // Streamed, and going on behind a missing object: without that, it cuts the stream or does not,
  // depending on where the object would have been.
  return Serialize(
      {{"mime", ".tar"}, {"in", std::move(in)}, {"strm", true}, {"coer", true}, {"onob", true}});
}

bool IsMissing(const TarMember& member) {
  return member.size == 0 && member.name.rfind("__404__/", 0) == 0;
}

Result<std::string> FollowBatchRedirect(std::string_view location) {
  const Result<Location> target = ParseLocation(location);
  if (!target.ok()) return target.status();
  if (!IsPrintable(target.value().path)) return ParseLocation({}).status();
  return std::string(location);
}

}  // namespace objectpipes::ais
