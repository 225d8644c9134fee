// The cluster as this process knows it: where to send requests, and which targets are missing.
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

// Keeps the cluster map, from the first request on. I/O thread only, except as noted.
//
// A cluster may refuse to show its map, or not be reached. Then everything goes through the proxy,
// which also says what is wrong.
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

  // Whether the map has been asked for, and an answer has come.
  bool asked() const { return asked_; }
  // Asks for the map (again), and calls the handler once the answer is there, whatever it is.
  void Ask(Handler* handler);
  void Forget(Handler* handler);
  // Something went wrong that a change of the cluster would explain: asks again before long.
  void Suspect();

  // Whether the cluster has refused to show it to whom our token names. Any thread.
  bool map_refused() const { return map_refused_; }

  // Of the map; 0 without one.
  int64_t version() const { return map_.has_value() ? map_->version : 0; }
  // How many targets it has that hold objects; -1 without one.
  int64_t target_count() const;

  // Which target holds the object; null: nobody knows.
  const Target* TargetOf(const ObjectId& object) const;
  // Null: nothing is known of it.
  TargetHealth* HealthOf(const Target* target);
  // Whether targets answer clients, and not only whom a proxy sends.
  bool direct() const { return !direct_refused_; }
  void RefuseDirect() { direct_refused_ = true; }

  // See Transport::FindOutage().
  const Status* FindOutage(const ObjectId& object);
  // Whether the target is down for longer than a cluster needs to notice.
  bool IsGivenUp(const Target* target);

  // The target that would hold the object if it were not missing, among those this process has
  // seen; null if that one is there.
  const Target* MissingTargetOf(const ObjectId& object) const;
  // Whether all targets are there and answer, as far as this process knows.
  bool is_whole() const { return missing_.empty() && !any_down_; }
  // Any that is missing; null if all are there.
  const Target* AnyMissingTarget() const;
  // Whether the map changed within the last seconds, in which nodes learn of it and find objects:
  // with a new target they are moved, and for a lost one others may restore them.
  bool IsSettling(const ObjectId& object) const;

  // The gateway to ask, and what came of asking one. See Gateways.
  const std::string& gateway() { return gateways()->current(); }
  bool GatewayFailed(const std::string& url) { return gateways()->OnFailed(url); }
  void GatewayAnswered(const std::string& url) { gateways()->OnAnswered(url); }
  void AddToken(HttpRequest* request) const;

 private:
  Flow OnHead(const HttpHead& head) override;
  Space OnSpace() override { return {}; }
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
  ClusterMap* ever_ = nullptr;                  // its targets are all that any map has had
  std::map<std::string, Status> missing_;       // of them, those that map_ has not: what that means
  std::map<std::string, TargetHealth> health_;  // by URL
  bool any_down_ = false;                       // of the targets in map_
  bool asked_ = false;
  std::atomic<bool> map_refused_{false};
  bool direct_refused_ = false;
  int64_t looked_ms_ = -1;
  int64_t changed_ms_ = -1;
  int64_t fetched_ms_ = -1;

  std::vector<Handler*> handlers_;
  Gateways* gateways_ = nullptr;  // null: nobody has asked any yet

  std::string asked_gateway_;
  int http_status_ = 0;
  std::string body_;
  std::unique_ptr<Exchange> fetch_;
};

}  // namespace objectpipes::ais
