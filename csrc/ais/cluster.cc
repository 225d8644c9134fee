#include "ais/cluster.h"

#include <algorithm>
#include <utility>

#include "ais/hrw.h"
#include "ais/requests.h"

namespace objectpipes::ais {
namespace {

constexpr size_t kMaxMapSize = size_t{16} << 20;
constexpr int64_t kSuspectPauseMs = 500;
constexpr int64_t kPollMs = 100;
constexpr int64_t kSilenceMs = 2000;  // of one gateway, before the next one is asked for the map
constexpr int64_t kSettleMs = 10'000;
constexpr int64_t kSettleAfterLossMs = 3000;
// By default, a cluster notices after 30 to 45 s that a node is lost.
constexpr int64_t kNoticedMs = 60'000;

bool HasTarget(const ClusterMap& map, const std::string& id) {
  return std::any_of(map.targets.begin(), map.targets.end(), [&id](const Target& target) {
    return target.id == id && target.holds_objects;
  });
}

// Whether requests to the nodes are encrypted if those to `proxy` are. If not, the map is not used,
// and the redirects of the proxy show what is wrong.
bool IsAsEncrypted(const ClusterMap& map, const std::string& proxy) {
  constexpr std::string_view kTls = "https://";
  const auto is_tls = [kTls](std::string_view url) { return url.substr(0, kTls.size()) == kTls; };
  return !is_tls(proxy) || (std::all_of(map.targets.begin(), map.targets.end(),
                                        [&](const Target& target) { return is_tls(target.url); }) &&
                            std::all_of(map.proxy_urls.begin(), map.proxy_urls.end(), is_tls));
}

// What all clients of a process have seen of a cluster. Each client has its own map, because
// gateways may give targets different addresses. All run on the I/O thread, so no lock is needed,
// and none can be held when the process forks.
ClusterMap* EverOf(const std::string& uuid) {
  thread_local std::map<std::string, ClusterMap> clusters;
  return &clusters[uuid];
}

}  // namespace

Cluster::Cluster(HttpSession* session, std::string endpoint, const CredentialStore* credentials,
                 Clock now_ms)
    : session_(session),
      endpoint_(std::move(endpoint)),
      credentials_(credentials),
      now_ms_(std::move(now_ms)) {}

void Cluster::Ask(Handler* handler) {
  handlers_.push_back(handler);
  if (fetch_ == nullptr) Fetch();
}

void Cluster::Forget(Handler* handler) {
  handlers_.erase(std::remove(handlers_.begin(), handlers_.end(), handler), handlers_.end());
}

void Cluster::Suspect() {
  if (fetch_ == nullptr && now_ms_() >= fetched_ms_ + kSuspectPauseMs) Fetch();
}

// Not in the constructor, which does not run on the I/O thread.
Gateways* Cluster::gateways() {
  if (gateways_ == nullptr) gateways_ = GatewaysOf(endpoint_);
  return gateways_;
}

void Cluster::Fetch() {
  HttpRequest request;
  asked_gateway_ = gateway();
  asked_ms_ = now_ms_();
  request.url = asked_gateway_ + std::string(kClusterMapUri);
  AddToken(&request);
  http_status_ = 0;
  body_.clear();
  fetch_ = session_->Start(request, this);
}

Flow Cluster::OnHead(const HttpHead& head) {
  http_status_ = head.status();
  return Flow::kContinue;
}

Flow Cluster::OnData(const char* data, size_t size) {
  if (body_.size() + size > kMaxMapSize) return Flow::kStop;
  body_.append(data, size);
  return Flow::kContinue;
}

void Cluster::OnDone(const Status& status) {
  fetch_.reset();
  if (http_status_ != 0) {
    GatewayAnswered(asked_gateway_);
  } else if (GatewayFailed(asked_gateway_)) {
    return Fetch();
  }
  asked_ = true;
  hedged_ = false;
  fetched_ms_ = now_ms_();
  if (status.ok() && http_status_ == 200) {
    Result<ClusterMap> map = ParseClusterMap(body_);
    if (map.ok() && IsAsEncrypted(map.value(), endpoint_)) Adopt(std::move(map).value());
  }
  if (http_status_ == 403) map_refused_ = true;
  // One by one, because a handler may remove others. If one asks again, the rest get the next
  // answer.
  while (!handlers_.empty() && fetch_ == nullptr) {
    Handler* const handler = handlers_.front();
    handlers_.erase(handlers_.begin());
    handler->OnMap();
  }
}

void Cluster::Adopt(ClusterMap map) {
  const bool same_cluster = map_.has_value() && map_->uuid == map.uuid;
  if (!same_cluster) {
    direct_refused_ = false;
    map_ = std::move(map);
  } else if (map.version > map_->version) {
    changed_ms_ = now_ms_();
    map_ = std::move(map);
  }
  gateways()->Learn(map_->proxy_urls);
  FindMissing();
}

void Cluster::FindMissing() {
  ever_ = EverOf(map_->uuid);
  for (const Target& target : map_->targets) {
    if (target.holds_objects && !HasTarget(*ever_, target.id)) ever_->targets.push_back(target);
  }
  missing_.clear();
  for (const Target& target : ever_->targets) {
    if (HasTarget(*map_, target.id)) continue;
    missing_.emplace(target.id, Status(StatusCode::kEndpoint,
                                       "Target " + target.id + " is missing from the cluster"));
  }
}

int64_t Cluster::target_count() const {
  if (!map_.has_value()) return -1;
  return std::count_if(map_->targets.begin(), map_->targets.end(),
                       [](const Target& target) { return target.holds_objects; });
}

const Target* Cluster::TargetOf(const ObjectId& object) const {
  return map_.has_value() ? ais::TargetOf(*map_, object) : nullptr;
}

TargetHealth* Cluster::HealthOf(const Target* target) {
  if (target == nullptr) return nullptr;
  return &health_.try_emplace(target->url, session_, *target, now_ms_).first->second;
}

void Cluster::Poll() {
  const int64_t now_ms = now_ms_();
  if (fetch_ != nullptr && !hedged_ && http_status_ == 0 && now_ms >= asked_ms_ + kSilenceMs) {
    hedged_ = true;  // once: all gateways may be slow
    if (GatewayFailed(asked_gateway_)) Fetch();
  }
  if (!map_.has_value() || now_ms < polled_ms_ + kPollMs) return;
  polled_ms_ = now_ms;
  any_down_ = false;
  for (const Target& target : map_->targets) {
    TargetHealth* const health = HealthOf(&target);
    health->Poll(now_ms);
    any_down_ |= health->is_down();
  }
  if (any_down_) Suspect();
}

const Status* Cluster::FindOutage(const ObjectId& object) {
  Poll();
  if (any_down_) {
    const Target* const target = TargetOf(object);
    const TargetHealth* const health = HealthOf(target);
    if (health != nullptr && health->is_down() && !IsGivenUp(target)) return &health->outage();
  }
  const Target* const missing = IsSettling(object) ? MissingTargetOf(object) : nullptr;
  return missing == nullptr ? nullptr : &missing_.find(missing->id)->second;
}

bool Cluster::IsGivenUp(const Target* target) {
  const TargetHealth* const health = HealthOf(target);
  return health != nullptr && health->is_down() &&
         now_ms_() >= health->down_since_ms() + kNoticedMs;
}

const Target* Cluster::MissingTargetOf(const ObjectId& object) const {
  if (missing_.empty()) return nullptr;
  const Target* const owner = ais::TargetOf(*ever_, object);
  return missing_.count(owner->id) == 0 ? nullptr : owner;
}

const Target* Cluster::AnyMissingTarget() const {
  if (missing_.empty()) return nullptr;
  for (const Target& target : ever_->targets) {
    if (missing_.count(target.id) != 0) return &target;
  }
  return nullptr;
}

bool Cluster::IsSettling(const ObjectId& object) const {
  if (changed_ms_ < 0) return false;
  const int64_t passed_ms = now_ms_() - changed_ms_;
  if (passed_ms >= kSettleMs) return false;
  return passed_ms < kSettleAfterLossMs || MissingTargetOf(object) == nullptr;
}

void Cluster::AddToken(HttpRequest* request) const {
  const std::string token = credentials_->Get().first.session_token;
  if (!token.empty()) request->headers.push_back("authorization: Bearer " + token);
}

}  // namespace objectpipes::ais
