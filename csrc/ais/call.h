// One request to the cluster: whom to ask, the redirect to a target, and what an error means.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ais/cluster.h"
#include "ais/reply_error.h"
#include "base/result.h"
#include "transport/http/http_client.h"
#include "transport/transport.h"

namespace objectpipes::ais {

// A proxy knows its cluster better than our map does.
RetryHint ThroughTheProxy(RetryHint::Kind kind);

// What a get and a list have in common. A subclass prepares request_ and uri_, then sends.
class Call : public Exchange, public HttpHandler, public Cluster::Handler {
 public:
  ~Call() override;
  void Resume() override;

 protected:
  // The session and the cluster outlive the call.
  Call(HttpSession* session, Cluster* cluster, ObjectId object);

  virtual Flow OnSuccess(const HttpHead& head) = 0;
  virtual Space OnSuccessSpace() { return {}; }
  virtual Flow OnSuccessData(const char* data, size_t size) = 0;
  virtual void OnEnd(const Status& status, const RetryHint& hint) = 0;
  // The map that the subclass asked for has arrived.
  virtual void OnClusterKnown() = 0;
  // The cluster has no such object. True: the subclass asks for another one instead.
  virtual bool TryAnotherObject() { return false; }
  // Whether a target may redirect to the server that transforms the object.
  virtual bool FollowsTargets() const { return false; }

  void SendToTarget(const Target& target);
  void SendToProxy();

  HttpSession* session() const { return session_; }
  Cluster& cluster() const { return *cluster_; }
  const ObjectId& object() const { return object_; }
  // The object that is asked for: the archive, for a member of one; otherwise object().
  const ObjectId& holder() const { return holder_; }
  void set_holder(ObjectId holder) { holder_ = std::move(holder); }

  HttpRequest request_;  // without its URL
  std::string uri_;

 private:
  enum class Stage : uint8_t {
    kOpen,      // until a reply says that there is no such object
    kNotFound,  // asks for a fresh map, to tell a missing object from a missing target
  };

  void Send(std::string url);

  Flow OnHead(const HttpHead& head) override;
  Space OnSpace() override { return succeeded() ? OnSuccessSpace() : Space{}; }
  Flow OnData(const char* data, size_t size) override;
  void OnDone(const Status& status) override;

  void FollowRedirectTo(const Result<std::string>& url, Sender sender);
  void OnBroken(const Status& status);
  void OnError();
  void OnMap() final;
  std::string WhyNotFound() const;
  bool succeeded() const { return http_status_ == 200 || http_status_ == 206; }
  bool redirected() const { return http_status_ > 300 && http_status_ < 400; }

  HttpSession* const session_;
  Cluster* const cluster_;
  const ObjectId object_;
  ObjectId holder_;
  Stage stage_ = Stage::kOpen;
  Status not_found_;  // in kNotFound: what the reply said

  Sender sender_ = Sender::kProxy;
  std::string gateway_;            // the proxy asked last
  TargetHealth* asked_ = nullptr;  // of the target, until it answers
  std::string asked_url_;
  int http_status_ = 0;
  std::string error_body_;
  std::string location_;

  std::unique_ptr<Exchange> http_;  // last: cancelled first
};

}  // namespace objectpipes::ais
