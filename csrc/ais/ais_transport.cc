#include "ais/ais_transport.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "ais/list_page.h"
#include "ais/list_scope.h"
#include "ais/reply_error.h"
#include "ais/reply_head.h"
#include "ais/url.h"
#include "transport/content_range.h"
#include "transport/http/authority.h"

namespace objectpipes::ais {
namespace {

using Kind = RetryHint::Kind;

constexpr size_t kMaxListBodySize = size_t{64} << 20;

// A proxy knows more of its cluster than our map does.
RetryHint ThroughTheProxy(Kind kind) { return {kind, -1, Route::kFallback}; }

// Our own words for what AIStore has none for.
constexpr char kTargetMissing[] = "TargetMissing";
constexpr char kListingIncomplete[] = "ListingIncomplete";

// In the place of an object, as a captive portal sends it.
bool IsWebPage(const HttpHead& http) {
  return http.Get("content-type").substr(0, 9) == "text/html";
}

Status Foreign(const ObjectId& object) {
  return Status(StatusCode::kEndpoint, "A web page came instead of the object: " + UrlOf(object));
}

RetryHint WhenMended() { return {Kind::kRetry, kMendingPauseMs, Route::kFallback}; }

}  // namespace

// ---------------------------------------------------------------------------------------------------
// One request, its redirect to a target and its error body

class AisTransport::Call : public Exchange, public HttpHandler, public Cluster::Handler {
 public:
  Call(AisTransport* transport, ObjectId object)
      : transport_(transport), object_(std::move(object)), holder_(object_) {}
  ~Call() override {
    cluster().Forget(this);
    if (asked_ != nullptr) asked_->OnCancelled();
  }

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
  // There is no such object. Whether another one is asked for instead.
  virtual bool LookElsewhere() { return false; }
  // Whether targets may send us to somebody else.
  virtual bool FollowsTargets() const { return false; }

  void SendToTarget(const Target& target) {
    sender_ = Sender::kTarget;
    Send(target.url + uri_);
  }
  void SendToProxy() {
    sender_ = Sender::kProxy;
    gateway_ = cluster().gateway();
    Send(gateway_ + uri_);
  }

  Cluster& cluster() { return transport_->cluster_; }
  const ObjectId& object() const { return object_; }
  const ObjectId& holder() const { return holder_; }
  // Asks for this object instead, because it holds the one that is wanted.
  void set_holder(ObjectId holder) { holder_ = std::move(holder); }

  AisTransport* const transport_;
  HttpRequest request_;  // without its URL
  std::string uri_;

 private:
  void Send(std::string url);

  Flow OnHead(const HttpHead& head) override;
  Space OnSpace() override { return succeeded() ? OnSuccessSpace() : Space{}; }
  Flow OnData(const char* data, size_t size) override;
  void OnDone(const Status& status) override;

  void FollowRedirectTo(const Result<std::string>& url);
  void OnBroken(const Status& status);
  void OnError();
  void OnMap() final;
  std::string WhyNotFound();
  bool succeeded() const { return http_status_ == 200 || http_status_ == 206; }
  bool redirected() const { return http_status_ > 300 && http_status_ < 400; }

  const ObjectId object_;
  ObjectId holder_;  // the archive, for a member of one; else the object itself
  Sender sender_ = Sender::kProxy;
  std::string gateway_;        // that was asked last
  bool left_targets_ = false;  // one has sent us to somebody else

  int http_status_ = 0;
  std::string error_body_;
  std::string location_;
  std::string asked_url_;
  TargetHealth* asked_ = nullptr;  // the target, until it answers
  Status not_found_;               // what the reply said, to be understood with a fresh map

  std::unique_ptr<Exchange> http_;  // last: cancelled first
};

void AisTransport::Call::Send(std::string url) {
  HttpRequest request = request_;
  asked_url_ = url;
  request.url = std::move(url);
  if (sender_ == Sender::kProxy) {
    cluster().AddToken(&request);
  } else if ((asked_ = cluster().HealthOf(cluster().TargetOf(holder_))) != nullptr) {
    asked_->OnSent();
  }
  http_status_ = 0;
  error_body_.clear();
  location_.clear();
  http_ = transport_->session_.Start(request, this);
}

Flow AisTransport::Call::OnHead(const HttpHead& head) {
  if (asked_ != nullptr) std::exchange(asked_, nullptr)->OnAnswered();
  http_status_ = head.status();
  if (sender_ == Sender::kProxy) cluster().GatewayAnswered(gateway_);
  if (succeeded()) return OnSuccess(head);
  location_ = head.Get("location");
  error_body_ = head.Get(kErrorHeader);  // a reply to HEAD has no other
  return Flow::kContinue;
}

Flow AisTransport::Call::OnData(const char* data, size_t size) {
  if (succeeded()) return OnSuccessData(data, size);
  const size_t room = kMaxErrorBodyBytes - std::min(kMaxErrorBodyBytes, error_body_.size());
  error_body_.append(data, std::min(size, room));
  return size <= room ? Flow::kContinue : Flow::kStop;  // what it is about is said by then
}

void AisTransport::Call::OnDone(const Status& status) {
  http_.reset();
  if (http_status_ == 0 || succeeded()) {
    if (status.ok()) return OnEnd(Status::Ok(), RetryHint{});
    return OnBroken(Status(status));  // a copy: what follows may destroy the original
  }
  // Complete or not, the status line says it all.
  if (redirected() && sender_ == Sender::kProxy) {
    return FollowRedirectTo(FollowRedirect(location_, asked_url_));
  }
  if (redirected() && FollowsTargets() && !std::exchange(left_targets_, true)) {
    return FollowRedirectTo(FollowEtlRedirect(location_, asked_url_));
  }
  OnError();
}

void AisTransport::Call::FollowRedirectTo(const Result<std::string>& url) {
  if (!url.ok()) return OnEnd(url.status(), ThroughTheProxy(Kind::kRetry));
  sender_ = Sender::kRedirectedTarget;
  Send(url.value());
}

// The connection failed, or the body on it.
void AisTransport::Call::OnBroken(const Status& status) {
  TargetHealth* const unanswered = std::exchange(asked_, nullptr);
  if (unanswered != nullptr) unanswered->OnFailed();
  if (status.code() == StatusCode::kCancelled) return OnEnd(status, RetryHint{});
  if (sender_ == Sender::kProxy && http_status_ == 0 && cluster().GatewayFailed(gateway_)) {
    return OnEnd(status, ThroughTheProxy(Kind::kRetryNow));
  }
  if (IsHopeless(status)) return OnEnd(status, RetryHint{});
  cluster().Suspect();
  if (http_status_ != 0 || sender_ == Sender::kProxy) {
    return OnEnd(status, ThroughTheProxy(Kind::kRetry));
  }
  if (sender_ == Sender::kTarget) return OnEnd(status, ThroughTheProxy(Kind::kRetryNow));
  const Target* const target = cluster().TargetOf(holder_);
  if (target == nullptr) return OnEnd(status, WhenMended());
  const Status named(
      StatusCode::kEndpoint,
      "Target " + target->id + " does not answer (" + status.message() + "): " + UrlOf(object_),
      status.detail());
  OnEnd(named, cluster().IsGivenUp(target) ? RetryHint{} : WhenMended());
}

void AisTransport::Call::OnError() {
  ReplyError error = ErrorFromReply({http_status_, error_body_, sender_}, object_);
  if (!error.status.ok()) error.status.mutable_detail().endpoint = HostAndPortOf(asked_url_);
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
  Status status = std::exchange(not_found_, Status::Ok());
  if (cluster().MissingTargetOf(holder_) == nullptr && LookElsewhere()) return;
  if (const std::string why = WhyNotFound(); !why.empty()) {
    StatusDetail detail = status.detail();
    detail.code = kTargetMissing;
    status = Status(StatusCode::kEndpoint, why + ": " + UrlOf(object_), std::move(detail));
  }
  OnEnd(status, cluster().IsSettling(holder_) ? ThroughTheProxy(Kind::kRetry) : RetryHint{});
}

// What keeps the cluster from finding an object that exists; empty: nothing, as far as we know.
std::string AisTransport::Call::WhyNotFound() {
  const Target* const target = cluster().MissingTargetOf(holder_);
  if (target != nullptr) {
    return "Target " + target->id + ", which has the object, is missing from the cluster";
  }
  // Another process may have listed it, with a cluster that we have never seen whole.
  const int64_t there = cluster().target_count();
  if (there < 0 || there >= object_.listed.targets) return {};
  return "The object is not found while the cluster has " + std::to_string(there) + " of the " +
         std::to_string(object_.listed.targets) + " targets with which it was listed";
}

// ---------------------------------------------------------------------------------------------------

class AisTransport::Get final : public AisTransport::Call, public BucketFacts::Handler {
 public:
  Get(AisTransport* transport, const GetRequest& request, GetHandler* handler)
      : Call(transport, request.object),
        route_(request.route),
        handler_(handler),
        read_(transport->options_.read),
        bucket_(transport->FactsOf(request.object.bucket)) {
    if (request.head_only) request_.method = HttpRequest::Method::kHead;
    if (request.ranged()) range_ = "range: " + RangeText(request.begin, request.end);
    if (const auto archive = transport->ArchiveOf(object()); archive.has_value()) {
      set_holder(ObjectId{object().bucket, std::string(archive->archive)});
      read_.archpath = archive->member;
      as_member_ = true;
    }
    Address();
  }
  ~Get() override { bucket_->Forget(this); }

  void Start() {
    if (!cluster().asked()) return cluster().Ask(this);
    OnClusterKnown();
  }

 private:
  void OnClusterKnown() override {
    if (bucket_->known()) return OnBucketKnown();
    bucket_->Ask(&transport_->session_, &cluster(), object().bucket, this);
  }

  void OnBucketKnown() override { SendRequest(); }

  void Address() {
    uri_ = ObjectUri(holder(), read_);
    request_.headers.clear();
    // What comes whole instead begins at 0, and the engine skips what is not wanted.
    if (!range_.empty() && read_.takes_ranges()) request_.headers.push_back(range_);
  }

  // In a bucket that checksums ranges, the reply to one does not tell which version it is of.
  bool MustIdentify() const {
    return !identified_ && !request_.headers.empty() &&
           bucket_->range_checksum() == RangeChecksum::kOfRange;
  }

  void SendRequest() {
    if (MustIdentify()) {
      identifying_ = true;
      request_.method = HttpRequest::Method::kHead;
      request_.headers.clear();
    }
    const bool direct = route_ == Route::kDefault && cluster().direct();
    const Target* const target = direct ? cluster().TargetOf(holder()) : nullptr;
    if (target == nullptr) return SendToProxy();
    SendToTarget(*target);
  }

  // No member of an archive has this name: then it is that of an object.
  bool LookElsewhere() override {
    if (!std::exchange(as_member_, false)) return false;
    set_holder(object());
    read_.archpath.clear();
    Address();
    SendToProxy();
    return true;
  }

  bool FollowsTargets() const override { return !read_.etl_name.empty(); }

  Flow OnSuccess(const HttpHead& http) override {
    const bool is_reply_to_head = request_.method == HttpRequest::Method::kHead;
    const Result<ReplyHead> head =
        ParseReplyHead(http, is_reply_to_head, bucket_->range_checksum(), checksum_);
    refused_ = read_.etl_name.empty() && IsWebPage(http) ? Foreign(object()) : head.status();
    if (!refused_.ok()) return Flow::kStop;
    if (IsAsListed(http, head.value(), object().listed)) {
      if (!identifying_) return handler_->OnHead(head.value());
      checksum_ = http.Get("ais-checksum-value");
      return Flow::kContinue;
    }
    refused_ = Status(StatusCode::kObjectChanged,
                      "the object was replaced since it was listed: " + UrlOf(object()));
    return Flow::kStop;
  }

  Space OnSuccessSpace() override { return handler_->OnSpace(); }

  Flow OnSuccessData(const char* data, size_t size) override {
    return handler_->OnData(data, size);
  }

  void OnEnd(const Status& status, const RetryHint& hint) override {
    if (refused_.ok() && status.ok() && identifying_) return SendIdentified();
    if (refused_.ok()) return handler_->OnDone(status, hint);
    const Status refused = refused_;  // the handler may destroy this
    const bool final = refused.code() == StatusCode::kObjectChanged;
    handler_->OnDone(refused, final ? RetryHint{} : ThroughTheProxy(Kind::kRetry));
  }

  void SendIdentified() {
    identifying_ = false;
    identified_ = true;
    request_.method = HttpRequest::Method::kGet;
    Address();
    SendRequest();
  }

  const Route route_;
  GetHandler* const handler_;
  ReadOptions read_;
  std::string range_;       // the header for the piece that is wanted; empty: the whole
  bool as_member_ = false;  // of the archive that its name begins with
  bool identifying_ = false;
  bool identified_ = false;
  std::string checksum_;  // of the object, once it is identified
  BucketFacts* const bucket_;
  Status refused_;  // why the reply is not used
};

// ---------------------------------------------------------------------------------------------------

class AisTransport::List final : public AisTransport::Call {
 public:
  List(AisTransport* transport, const ListRequest& request, ListHandler* handler)
      : Call(transport, ObjectId{request.bucket, ""}), list_(request), handler_(handler) {
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
    if (cluster().asked() && refused_.ok()) return SendPageRequest();
    cluster().Ask(this);
  }

 private:
  void OnClusterKnown() override {
    if (!refused_.ok()) return handler_->OnPage(Status(refused_), RetryHint{});
    if (!reply_.has_value()) return SendPageRequest();
    Deliver();
  }

  void SendPageRequest() {
    version_before_ = cluster().version();
    SendToProxy();
  }

  Flow OnSuccess(const HttpHead&) override { return Flow::kContinue; }

  Flow OnSuccessData(const char* data, size_t size) override {
    if (body_.size() + size > kMaxListBodySize) {
      refused_ = Status::Protocol("the list page is longer than any that AIStore makes");
      return Flow::kStop;
    }
    body_.append(data, size);
    return Flow::kContinue;
  }

  void OnEnd(const Status& status, const RetryHint& hint) override;
  void Deliver();
  void Incomplete(StatusCode code, const std::string& why, const RetryHint& hint);

  const ListRequest list_;
  ListHandler* const handler_;
  Status refused_;              // why the request cannot be sent, or its reply is not read
  int64_t version_before_ = 0;  // of the map that the page is listed with
  std::string body_;
  std::optional<ListReply> reply_;
};

void AisTransport::List::OnEnd(const Status& status, const RetryHint& hint) {
  if (!refused_.ok()) return handler_->OnPage(Status(refused_), RetryHint{});
  if (!status.ok()) return handler_->OnPage(status, hint);
  Result<ListReply> reply = ParseListPage(body_);
  if (!reply.ok()) return handler_->OnPage(reply.status(), ThroughTheProxy(Kind::kRetry));
  reply_ = std::move(reply).value();
  Narrow(list_, &reply_->page);
  // A page says nothing of targets that went away meanwhile: only a fresh map does.
  cluster().Ask(this);
}

void AisTransport::List::Deliver() {
  if (!list_.allow_partial) {
    if (const Target* const target = cluster().AnyMissingTarget(); target != nullptr) {
      return Incomplete(StatusCode::kEndpoint,
                        "target " + target->id + " is missing from the cluster", RetryHint{});
    }
    if (reply_->rebalancing) {
      return Incomplete(StatusCode::kServer, "objects are being moved between targets",
                        ThroughTheProxy(Kind::kRetry));
    }
    // A target may have left and come back.
    if (cluster().version() != version_before_) {
      return Incomplete(StatusCode::kServer, "the cluster changed meanwhile",
                        ThroughTheProxy(Kind::kRetryNow));
    }
  }
  reply_->page.targets = cluster().target_count();
  handler_->OnPage(std::move(reply_->page), RetryHint{});
}

void AisTransport::List::Incomplete(StatusCode code, const std::string& why,
                                    const RetryHint& hint) {
  StatusDetail detail;
  detail.code = kListingIncomplete;
  handler_->OnPage(
      Status(code, "The listing may be incomplete, because " + why + ": " + UrlOf(object()),
             std::move(detail)),
      hint);
}

// ---------------------------------------------------------------------------------------------------
// AisTransport

AisTransport::AisTransport(HttpClient* client, Options options,
                           std::shared_ptr<CredentialStore> credentials)
    : options_(std::move(options)),
      reads_as_listed_(options_.read.plain()),
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

// What a listing gives a checksum is an object, whatever its name.
std::optional<ArchiveMember> AisTransport::ArchiveOf(const ObjectId& object) const {
  if (!options_.read.archpath.empty() || !object.listed.checksum.empty()) return std::nullopt;
  return SplitArchiveMember(object.key);
}

const Status* AisTransport::FindOutage(const ObjectId& object) {
  const auto archive = ArchiveOf(object);
  if (!archive.has_value()) return cluster_.FindOutage(object);
  return cluster_.FindOutage(ObjectId{object.bucket, std::string(archive->archive)});
}

std::string_view AisTransport::TakeWarning() {
  if (!cluster_.map_refused() || warned_.exchange(true)) return {};
  return "The token may not see the cluster map, for which it needs the right SHOW-CLUSTER: every"
         " read takes the way through the gateway, and neither a listing nor a read can tell"
         " objects of a lost target from objects that do not exist";
}

std::unique_ptr<Exchange> AisTransport::StartList(const ListRequest& request,
                                                  ListHandler* handler) {
  auto list = std::make_unique<List>(this, request, handler);
  list->Start();
  return list;
}

}  // namespace objectpipes::ais
