#include "ais/cluster_map.h"

#include <utility>

#include "ais/json.h"
#include "base/ascii.h"
#include "transport/http/http_url.h"

namespace objectpipes::ais {
namespace {

// Flags of a node (Snode.Flags).
constexpr uint64_t kInMaintenance = 1 << 2;
constexpr uint64_t kBeingDecommissioned = 1 << 3;

Status Malformed(const char* what) {
  return Status::Protocol(std::string("The cluster map of AIStore has no valid ") + what);
}

// Where requests to the node go, as "scheme://authority"; empty if its public address is not valid.
std::string OriginOf(const Json& node) {
  const auto net = node.find("public_net");
  if (net == node.end()) return {};
  const auto* text = FindMember<std::string>(*net, "direct_url");
  if (text == nullptr) return {};
  const Result<HttpUrl> url = ParseHttpUrl(*text);
  const bool plain = url.ok() && url.value().path == "/" && url.value().query.empty();
  return plain ? url.value().origin() : std::string();
}

Result<Target> ParseTarget(const std::string& id, const Json& node) {
  const std::string url = OriginOf(node);
  const auto* const digest = FindMember<uint64_t>(node, "id_digest");
  const auto* const flags = FindMember<uint64_t>(node, "flags");
  if (url.empty() || digest == nullptr || flags == nullptr) return Malformed("target");
  Target target;
  target.id = id;
  target.url = url;
  target.digest = *digest;
  target.holds_objects = (*flags & (kInMaintenance | kBeingDecommissioned)) == 0;
  return target;
}

}  // namespace

Result<ClusterMap> ParseClusterMap(std::string_view json) {
  const Json root = ParseJson(json);
  ClusterMap map;

  // The only number that AIStore sends as a string.
  const auto* const text = FindMember<std::string>(root, "version");
  const auto version = text == nullptr ? std::nullopt : ParseInteger<int64_t>(*text);
  if (!version) return Malformed("version");
  map.version = *version;

  const auto* const uuid = FindMember<std::string>(root, "uuid");
  if (uuid == nullptr) return Malformed("uuid");
  map.uuid = *uuid;

  const auto primary = root.find("proxy_si");
  const std::string primary_url = primary == root.end() ? std::string() : OriginOf(*primary);
  if (primary_url.empty()) return Malformed("primary proxy");
  map.proxy_urls.push_back(primary_url);

  const auto* const proxies = FindMember<Json::object_t>(root, "pmap");
  if (proxies == nullptr) return Malformed("list of proxies");
  for (const auto& [id, node] : *proxies) {
    const std::string url = OriginOf(node);
    if (url.empty()) return Malformed("proxy");
    if (url != primary_url) map.proxy_urls.push_back(url);
  }

  const auto* const targets = FindMember<Json::object_t>(root, "tmap");
  if (targets == nullptr) return Malformed("list of targets");
  for (const auto& [id, node] : *targets) {
    Result<Target> target = ParseTarget(id, node);
    if (!target.ok()) return target.status();
    map.targets.push_back(std::move(target).value());
  }
  return map;
}

}  // namespace objectpipes::ais
