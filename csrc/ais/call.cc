#include "ais/call.h"

#include <algorithm>
#include <utility>

#include "ais/requests.h"
#include "ais/url.h"
#include "transport/http/http_url.h"

namespace objectpipes::ais {
namespace {

using Kind = RetryHint::Kind;

// Our own error code: AIStore has none for this.
constexpr char kTargetMissing[] = "TargetMissing";

RetryHint OnceTheClusterHasMended() { return {Kind::kRetry, kMendingPauseMs, Route::kFallback}; }

}  // namespace

RetryHint ThroughTheProxy(Kind kind) { return {kind, -1, Route::kFallback}; }

Call::Call(HttpSession* session, Cluster* cluster, ObjectId object)
    : session_(session), cluster_(cluster), object_(std::move(object)), holder_(object_) {}

Call::~Call() {
  cluster_->Forget(this);
  if (asked_ != nullptr) asked_->OnCancelled();
}

void Call::Resume() {
  if (http_ != nullptr) http_->Resume();
}

void Call::SendToTarget(const Target& target) {
  sender_ = Sender::kTarget;
  Send(target.url + uri_);
}

void Call::SendToProxy() {
  sender_ = Sender::kProxy;
  gateway_ = cluster_->gateway();
  Send(gateway_ + uri_);
}

void Call::Send(std::string url) {
  HttpRequest request = request_;
  asked_url_ = url;
  request.url = std::move(url);
  if (sender_ == Sender::kProxy) {
    cluster_->AddToken(&request);
  } else if ((asked_ = cluster_->HealthOf(cluster_->TargetOf(holder_))) != nullptr) {
    asked_->OnSent();
  }
  http_status_ = 0;
  error_body_.clear();
  location_.clear();
  http_ = session_->Start(request, this);
}

Flow Call::OnHead(const HttpHead& head) {
  if (asked_ != nullptr) std::exchange(asked_, nullptr)->OnAnswered();
  http_status_ = head.status();
  if (sender_ == Sender::kProxy) cluster_->GatewayAnswered(gateway_);
  if (succeeded()) return OnSuccess(head);
  location_ = head.Get("location");
  error_body_ = head.Get(kErrorHeader);  // a reply to HEAD has no body
  return Flow::kContinue;
}

Flow Call::OnData(const char* data, size_t size) {
  if (succeeded()) return OnSuccessData(data, size);
  const size_t room = kMaxErrorBodyBytes - std::min(kMaxErrorBodyBytes, error_body_.size());
  error_body_.append(data, std::min(size, room));
  return size <= room ? Flow::kContinue : Flow::kStop;  // the beginning says what is wrong
}

void Call::OnDone(const Status& status) {
  http_.reset();
  if (http_status_ == 0 || succeeded()) {
    if (status.ok()) return OnEnd(Status::Ok(), RetryHint{});
    return OnBroken(Status(status));  // a copy: what follows may destroy the original
  }
  // From here on the status line decides, whether or not the body is complete.
  if (redirected() && sender_ == Sender::kProxy) {
    return FollowRedirectTo(FollowRedirect(location_, asked_url_), Sender::kRedirectedTarget);
  }
  if (redirected() && FollowsTargets() && sender_ != Sender::kTransformer) {
    return FollowRedirectTo(FollowEtlRedirect(location_, asked_url_), Sender::kTransformer);
  }
  OnError();
}

void Call::FollowRedirectTo(const Result<std::string>& url, Sender sender) {
  if (!url.ok()) return OnEnd(url.status(), ThroughTheProxy(Kind::kRetry));
  sender_ = sender;
  Send(url.value());
}

// The connection failed, before the reply or within its body.
void Call::OnBroken(const Status& status) {
  TargetHealth* const unanswered = std::exchange(asked_, nullptr);
  if (unanswered != nullptr) unanswered->OnFailed();
  if (status.code() == StatusCode::kCancelled) return OnEnd(status, RetryHint{});
  if (sender_ == Sender::kProxy && http_status_ == 0 && cluster_->GatewayFailed(gateway_)) {
    return OnEnd(status, ThroughTheProxy(Kind::kRetryNow));
  }
  if (IsHopeless(status)) return OnEnd(status, RetryHint{});
  cluster_->Suspect();
  if (http_status_ != 0 || sender_ == Sender::kProxy) {
    return OnEnd(status, ThroughTheProxy(Kind::kRetry));
  }
  if (sender_ == Sender::kTarget) return OnEnd(status, ThroughTheProxy(Kind::kRetryNow));
  const Target* const target = cluster_->TargetOf(holder_);
  if (target == nullptr) return OnEnd(status, OnceTheClusterHasMended());
  const Status named(
      StatusCode::kEndpoint,
      "Target " + target->id + " does not answer (" + status.message() + "): " + UrlOf(object_),
      status.detail());
  OnEnd(named, cluster_->IsGivenUp(target) ? RetryHint{} : OnceTheClusterHasMended());
}

void Call::OnError() {
  ReplyError error = ErrorFromReply({http_status_, error_body_, sender_}, object_);
  if (!error.status.ok()) error.status.mutable_detail().endpoint = HostAndPortOf(asked_url_);
  if (error.map_suspect) cluster_->Suspect();
  if (error.direct_refused) cluster_->RefuseDirect();
  const bool not_found = error.status.code() == StatusCode::kObjectNotFound;
  if (!not_found || error.hint.kind != Kind::kFatal) return OnEnd(error.status, error.hint);
  // A cluster also says "not found" while the target that has the object is missing. A fresh map
  // shows whether one is.
  stage_ = Stage::kNotFound;
  not_found_ = std::move(error.status);
  cluster_->Ask(this);
}

void Call::OnMap() {
  if (stage_ == Stage::kOpen) return OnClusterKnown();
  stage_ = Stage::kOpen;
  Status status = std::move(not_found_);
  if (cluster_->MissingTargetOf(holder_) == nullptr && TryAnotherObject()) return;
  if (const std::string why = WhyNotFound(); !why.empty()) {
    StatusDetail detail = status.detail();
    detail.code = kTargetMissing;
    status = Status(StatusCode::kEndpoint, why + ": " + UrlOf(object_), std::move(detail));
  }
  OnEnd(status, cluster_->IsSettling(holder_) ? ThroughTheProxy(Kind::kRetry) : RetryHint{});
}

// What keeps the cluster from finding an object that may exist; empty: nothing that we know of.
std::string Call::WhyNotFound() const {
  const Target* const target = cluster_->MissingTargetOf(holder_);
  if (target != nullptr) {
    return "Target " + target->id + ", which has the object, is missing from the cluster";
  }
  // Another process may have listed the object when the cluster had targets that we never saw.
  const int64_t there = cluster_->target_count();
  if (there < 0 || there >= object_.listed.targets) return {};
  return "The object was not found, and the cluster has only " + std::to_string(there) +
         " of the " + std::to_string(object_.listed.targets) +
         " targets that it had when it listed the object";
}

}  // namespace objectpipes::ais
