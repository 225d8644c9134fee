// The cluster as this process knows it: where requests go, and which targets are missing.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ais/cluster_map.h"
#include "ais/gateways.h"
#include "ais/target_health.h"
#include "base/clock.h"
#include "transport/credentials.h"
#include "transport/http/http_client.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// Keeps the cluster map from the first request on. I/O thread only, except as noted.
//
// The cluster may refuse to show its map, or be unreachable. Then all requests go through the
// proxy, whose errors show what is wrong.
class Cluster final : private HttpHandler {
 public:
  class Handler {
   public:
    virtual void OnMap() = 0;

   protected:
    ~Handler() = default;
  };

  // Everything pointed at outlives this. `endpoint` is the URL of a proxy.
  Cluster(HttpSession* session, std::string endpoint, const CredentialStore* credentials,
          Clock now_ms = MonotonicMs);

  // Whether an answer to a request for the map has come.
  bool asked() const { return asked_; }
  // Asks for the map (again), and calls the handler once an answer or a failure has come.
  void Ask(Handler* handler);
  void Forget(Handler* handler);
  // Reports a failure that a change of the cluster would explain: the map is asked for again soon.
  void Suspect();

  // Whether the cluster has refused to show the map to the owner of our token. Any thread.
  bool map_refused() const { return map_refused_; }

  // The version of the map; 0 without a map.
  int64_t version() const { return map_.has_value() ? map_->version : 0; }
  // How many targets of the map hold objects; -1 without a map.
  int64_t target_count() const;

  // The target that holds the object; null if unknown.
  const Target* TargetOf(const ObjectId& object) const;
  // Null if nothing is known of it.
  TargetHealth* HealthOf(const Target* target);
  // Whether targets answer clients that no proxy sent to them.
  bool direct() const { return !direct_refused_; }
  void RefuseDirect() { direct_refused_ = true; }

  // See Transport::FindOutage().
  const Status* FindOutage(const ObjectId& object);
  // Whether the target has been down for longer than a cluster needs to notice that.
  bool IsGivenUp(const Target* target);

  // The missing target that would hold the object, among all that this process has seen; null if
  // the target that holds it is there.
  const Target* MissingTargetOf(const ObjectId& object) const;
  // One of the missing targets; null if all are there.
  const Target* AnyMissingTarget() const;
  // Whether the map changed within the last seconds. In that time nodes learn of the change and
  // move objects to a new target, or restore those of a lost one.
  bool IsSettling(const ObjectId& object) const;

  // The gateway to ask, and how the requests to it end. See Gateways.
  const std::string& gateway() { return gateways()->current(); }
  bool GatewayFailed(const std::string& url) { return gateways()->OnFailed(url); }
  void GatewayAnswered(const std::string& url) { gateways()->OnAnswered(url); }
  void AddToken(HttpRequest* request) const;

 private:
  Flow OnHead(const HttpHead& head) override;
  Flow OnData(const char* data, size_t size) override;
  void OnDone(const Status& status) override;

  Gateways* gateways();
  void Fetch();
  void Adopt(ClusterMap map);
  void FindMissing();
  void Poll();

  HttpSession* const session_;
  const std::string endpoint_;
  const CredentialStore* const credentials_;
  const Clock now_ms_;

  std::optional<ClusterMap> map_;
  ClusterMap* ever_ = nullptr;                  // has all targets that were in any map
  std::map<std::string, Status> missing_;       // by id: why reads of a missing target fail
  std::map<std::string, TargetHealth> health_;  // by URL
  bool any_down_ = false;                       // any target in map_
  bool asked_ = false;
  std::atomic<bool> map_refused_{false};
  bool direct_refused_ = false;
  int64_t polled_ms_ = -1;
  int64_t changed_ms_ = -1;
  int64_t fetched_ms_ = -1;

  std::vector<Handler*> handlers_;
  Gateways* gateways_ = nullptr;  // null until the first request

  std::string asked_gateway_;
  int64_t asked_ms_ = 0;
  bool hedged_ = false;  // another gateway was asked because the first one was silent
  int http_status_ = 0;
  std::string body_;
  std::unique_ptr<Exchange> fetch_;
};

}  // namespace objectpipes::ais
