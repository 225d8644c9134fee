#include "ais/ais_transport.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "ais/list_page.h"
#include "ais/reply_error.h"
#include "ais/reply_head.h"
#include "ais/url.h"

namespace objectpipes::ais {
namespace {

using Kind = RetryHint::Kind;

constexpr size_t kLongestErrorBody = size_t{64} << 10;
constexpr size_t kLongestListBody = size_t{64} << 20;

// A proxy knows more of its cluster than our map does.
RetryHint ThroughTheProxy(Kind kind) { return {kind, -1, Route::kFallback}; }

// A cluster takes half a minute to notice that a node is lost. With this pause, the attempts that a
// read has by default outlast that.
constexpr int64_t kMendingPauseMs = 4000;
RetryHint WhenMended() { return {Kind::kRetry, kMendingPauseMs, Route::kFallback}; }

}  // namespace

// ---------------------------------------------------------------------------------------------------
// One request, its redirect to a target and its error body

class AisTransport::Call : public Exchange, public HttpHandler, public Cluster::Waiter {
 public:
  Call(AisTransport* transport, ObjectId object)
      : transport_(transport), object_(std::move(object)) {}
  ~Call() override { transport_->cluster_.Forget(this); }

  void Resume() override {
    if (http_ != nullptr) http_->Resume();
  }

 protected:
  virtual Flow OnSuccess(const HttpHead& head) = 0;
  virtual Space OnSuccessSpace() { return {}; }
  virtual Flow OnSuccessData(const char* data, size_t size) = 0;
  virtual void OnEnd(const Status& status, const RetryHint& hint) = 0;
  // The map that was asked for is there.
  virtual void OnClusterKnown() = 0;

  void SendToTarget(const Target& target) {
    sender_ = Sender::kTarget;
    Send(target.url + uri_);
  }
  void SendToProxy() {
    sender_ = Sender::kProxy;
    Send(cluster().proxy() + uri_);
  }

  Cluster& cluster() { return transport_->cluster_; }
  const ObjectId& object() const { return object_; }

  AisTransport* const transport_;
  HttpRequest request_;  // without its URL
  std::string uri_;

 private:
  void Send(std::string url) {
    HttpRequest request = request_;
    request.url = std::move(url);
    if (sender_ == Sender::kProxy) cluster().AddToken(&request);
    http_status_ = 0;
    error_body_.clear();
    location_.clear();
    http_ = transport_->session_.Start(request, this);
  }

  Flow OnHead(const HttpHead& head) override;
  Space OnSpace() override { return succeeded() ? OnSuccessSpace() : Space{}; }
  Flow OnData(const char* data, size_t size) override;
  void OnDone(const Status& status) override;

  void FollowRedirectTo(const std::string& location);
  void OnBroken(const Status& status);
  void OnError();
  void OnMap() final;
  bool succeeded() const { return http_status_ == 200 || http_status_ == 206; }
  bool redirected() const {
    return sender_ == Sender::kProxy && http_status_ > 300 && http_status_ < 400;
  }

  const ObjectId object_;
  Sender sender_ = Sender::kProxy;

  int http_status_ = 0;
  std::string error_body_;
  std::string location_;
  Status not_found_;  // what the reply said, to be understood with a fresh map

  std::unique_ptr<Exchange> http_;  // last: cancelled first
};

Flow AisTransport::Call::OnHead(const HttpHead& head) {
  http_status_ = head.status();
  if (succeeded()) return OnSuccess(head);
  location_ = head.Get("location");
  error_body_ = head.Get(kErrorHeader);  // a reply to HEAD has no other
  return Flow::kContinue;
}

Flow AisTransport::Call::OnData(const char* data, size_t size) {
  if (succeeded()) return OnSuccessData(data, size);
  const size_t room = kLongestErrorBody - std::min(kLongestErrorBody, error_body_.size());
  error_body_.append(data, std::min(size, room));
  return Flow::kContinue;
}

void AisTransport::Call::OnDone(const Status& status) {
  http_.reset();
  if (http_status_ == 0 || succeeded()) {
    if (status.ok()) return OnEnd(Status::Ok(), RetryHint{});
    return OnBroken(Status(status));  // a copy: what follows may destroy the original
  }
  // Complete or not, the status line says it all.
  if (redirected()) return FollowRedirectTo(location_);
  OnError();
}

void AisTransport::Call::FollowRedirectTo(const std::string& location) {
  const Result<std::string> url = FollowRedirect(location, uri_);
  if (!url.ok()) return OnEnd(url.status(), ThroughTheProxy(Kind::kRetry));
  sender_ = Sender::kRedirectedTarget;
  Send(url.value());
}

// The connection failed, or the body on it.
void AisTransport::Call::OnBroken(const Status& status) {
  if (status.code() == StatusCode::kCancelled) return OnEnd(status, RetryHint{});
  const bool hopeless = status.code() == StatusCode::kTls || status.code() == StatusCode::kInternal;
  if (hopeless) return OnEnd(status, RetryHint{});
  cluster().Suspect();
  if (http_status_ != 0 || sender_ == Sender::kProxy) {
    return OnEnd(status, ThroughTheProxy(Kind::kRetry));
  }
  OnEnd(status, sender_ == Sender::kTarget ? ThroughTheProxy(Kind::kRetryNow) : WhenMended());
}

void AisTransport::Call::OnError() {
  ReplyError error = ErrorFromReply({http_status_, error_body_, sender_}, object_);
  if (error.map_suspect) cluster().Suspect();
  if (error.direct_refused) cluster().RefuseDirect();
  const bool not_found = error.status.code() == StatusCode::kObjectNotFound;
  if (!not_found || error.hint.kind != Kind::kFatal) return OnEnd(error.status, error.hint);
  // While its target is missing, the cluster says of an object that it does not exist: who is
  // missing now tells what that means.
  not_found_ = std::move(error.status);
  cluster().Ask(this);
}

void AisTransport::Call::OnMap() {
  if (not_found_.ok()) return OnClusterKnown();
  Status status = not_found_;
  if (const Target* const target = cluster().MissingTargetOf(object_); target != nullptr) {
    status = Status(StatusCode::kEndpoint,
                    "Target " + target->id +
                        ", which has the object, is missing from the cluster: " + UrlOf(object_),
                    not_found_.detail());
  }
  const bool settling = cluster().ChangedLately();
  OnEnd(status, settling ? ThroughTheProxy(Kind::kRetry) : RetryHint{});
}

// ---------------------------------------------------------------------------------------------------

class AisTransport::Get final : public AisTransport::Call {
 public:
  Get(AisTransport* transport, const GetRequest& request, GetHandler* handler)
      : Call(transport, request.object), route_(request.route), handler_(handler) {
    if (request.head_only) request_.method = HttpRequest::Method::kHead;
    if (request.ranged()) {
      request_.headers.push_back("range: bytes=" + std::to_string(request.begin) + "-" +
                                 (request.end == kToTheEnd ? "" : std::to_string(request.end - 1)));
    }
    uri_ = ObjectUri(request.object, transport->options_.read);
  }

  void Start() {
    if (cluster().asked()) return Begin();
    cluster().Ask(this);
  }

 private:
  void OnClusterKnown() override { Begin(); }

  void Begin() {
    const Target* const target = route_ == Route::kDefault ? cluster().TargetOf(object()) : nullptr;
    if (target == nullptr) return SendToProxy();
    SendToTarget(*target);
  }

  Flow OnSuccess(const HttpHead& http) override {
    const Result<ReplyHead> head = ParseReplyHead(
        http, request_.method == HttpRequest::Method::kHead, RangeChecksum::kOfObject);
    if (head.ok()) return handler_->OnHead(head.value());
    malformed_ = head.status();
    return Flow::kStop;
  }

  Space OnSuccessSpace() override { return handler_->OnSpace(); }

  Flow OnSuccessData(const char* data, size_t size) override {
    return handler_->OnData(data, size);
  }

  void OnEnd(const Status& status, const RetryHint& hint) override {
    if (malformed_.ok()) return handler_->OnDone(status, hint);
    const Status malformed = malformed_;  // the handler may destroy this
    handler_->OnDone(malformed, ThroughTheProxy(Kind::kRetry));
  }

  const Route route_;
  GetHandler* const handler_;
  Status malformed_;
};

// ---------------------------------------------------------------------------------------------------

class AisTransport::List final : public AisTransport::Call {
 public:
  List(AisTransport* transport, const ListRequest& request, ListHandler* handler)
      : Call(transport, ObjectId{request.bucket, ""}),
        allow_partial_(request.allow_partial),
        handler_(handler) {
    Result<std::string> body = ListBody(request);
    if (body.ok()) {
      request_.body = std::move(body).value();
    } else {
      refused_ = body.status();
    }
    request_.headers = {"accept: application/msgpack", "content-type: application/json"};
    uri_ = ListUri(request.bucket);
  }

  // Who does not know at first which targets there are cannot know at the end that one is missing.
  void Start() {
    if (cluster().asked() && refused_.ok()) return SendToProxy();
    cluster().Ask(this);
  }

 private:
  void OnClusterKnown() override {
    if (!refused_.ok()) return handler_->OnPage(Status(refused_), RetryHint{});
    if (!reply_.has_value()) return SendToProxy();
    Deliver();
  }

  Flow OnSuccess(const HttpHead&) override { return Flow::kContinue; }

  Flow OnSuccessData(const char* data, size_t size) override {
    if (body_.size() + size > kLongestListBody) {
      refused_ = Status::Protocol("the list page is longer than any that AIStore makes");
      return Flow::kStop;
    }
    body_.append(data, size);
    return Flow::kContinue;
  }

  void OnEnd(const Status& status, const RetryHint& hint) override;
  void Deliver();

  const bool allow_partial_;
  ListHandler* const handler_;
  Status refused_;  // why the request cannot be sent, or its reply is not read
  std::string body_;
  std::optional<ListReply> reply_;
};

void AisTransport::List::OnEnd(const Status& status, const RetryHint& hint) {
  if (!refused_.ok()) return handler_->OnPage(Status(refused_), RetryHint{});
  if (!status.ok()) return handler_->OnPage(status, hint);
  Result<ListReply> reply = ParseListPage(body_);
  if (!reply.ok()) return handler_->OnPage(reply.status(), ThroughTheProxy(Kind::kRetry));
  reply_ = std::move(reply).value();
  // The last page says nothing of targets that went away meanwhile: only a fresh map does.
  if (reply_->page.next_token.empty() && !allow_partial_) return cluster().Ask(this);
  Deliver();
}

void AisTransport::List::Deliver() {
  if (!allow_partial_) {
    if (const Target* const target = cluster().AnyMissingTarget(); target != nullptr) {
      return handler_->OnPage(Status(StatusCode::kEndpoint,
                                     "The listing may be incomplete, because target " + target->id +
                                         " is missing from the cluster: " + UrlOf(object())),
                              RetryHint{});
    }
    if (reply_->rebalancing) {
      return handler_->OnPage(Status(StatusCode::kServer,
                                     "The listing may be incomplete, because objects are being "
                                     "moved between targets: " +
                                         UrlOf(object())),
                              ThroughTheProxy(Kind::kRetry));
    }
  }
  handler_->OnPage(std::move(reply_->page), RetryHint{});
}

// ---------------------------------------------------------------------------------------------------
// AisTransport

AisTransport::AisTransport(HttpClient* client, Options options,
                           std::shared_ptr<CredentialStore> credentials)
    : options_(std::move(options)),
      credentials_(std::move(credentials)),
      session_(client, options_.http),
      cluster_(&session_, options_.endpoint_url, credentials_.get()) {}

Result<ObjectId> AisTransport::ParseUrl(std::string_view url) const {
  Result<Url> parsed = ParseObjectUrl(url);
  if (!parsed.ok()) return parsed.status();
  return std::move(parsed).value().object;
}

std::unique_ptr<Exchange> AisTransport::StartGet(const GetRequest& request, GetHandler* handler) {
  auto get = std::make_unique<Get>(this, request, handler);
  get->Start();
  return get;
}

std::unique_ptr<Exchange> AisTransport::StartList(const ListRequest& request,
                                                  ListHandler* handler) {
  auto list = std::make_unique<List>(this, request, handler);
  list->Start();
  return list;
}

}  // namespace objectpipes::ais
