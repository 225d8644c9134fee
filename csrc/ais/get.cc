#include "ais/get.h"

#include "ais/reply_head.h"
#include "ais/url.h"
#include "transport/content_range.h"

namespace objectpipes::ais {
namespace {

using Kind = RetryHint::Kind;

// A captive portal sends one in place of an object.
bool IsWebPage(const HttpHead& http) {
  return http.Get("content-type").substr(0, 9) == "text/html";
}

Status WebPage(const ObjectId& object) {
  return Status(StatusCode::kEndpoint,
                "The server sent a web page instead of the object: " + UrlOf(object));
}

Status Replaced(const ObjectId& object) {
  return Status(StatusCode::kObjectChanged,
                "the object was replaced since it was listed: " + UrlOf(object));
}

}  // namespace

std::optional<ArchiveMember> ArchiveOf(const ObjectId& object, const ReadOptions& options) {
  if (!options.archpath.empty() || !object.listed.checksum.empty()) return std::nullopt;
  return SplitArchiveMember(object.key);
}

std::unique_ptr<Exchange> Get::Start(HttpSession* session, Cluster* cluster, BucketFacts* bucket,
                                     const ReadOptions& options, const GetRequest& request,
                                     GetHandler* handler) {
  std::unique_ptr<Get> get(new Get(session, cluster, bucket, options, request, handler));
  if (cluster->asked()) {
    get->OnClusterKnown();
  } else {
    cluster->Ask(get.get());
  }
  return get;
}

Get::Get(HttpSession* session, Cluster* cluster, BucketFacts* bucket, const ReadOptions& options,
         const GetRequest& request, GetHandler* handler)
    : Call(session, cluster, request.object),
      method_(request.head_only ? HttpRequest::Method::kHead : HttpRequest::Method::kGet),
      range_(request.ranged() ? "range: " + RangeText(request.begin, request.end) : ""),
      route_(request.route),
      handler_(handler),
      read_(options),
      bucket_(bucket) {
  if (const auto archive = ArchiveOf(object(), options); archive.has_value()) {
    set_holder(ObjectId{object().bucket, std::string(archive->archive)});
    read_.archpath = archive->member;
  }
}

Get::~Get() { bucket_->Forget(this); }

void Get::OnClusterKnown() {
  if (bucket_->known()) return OnBucketKnown();
  bucket_->Ask(session(), &cluster(), object().bucket, this);
}

// In a bucket that checksums ranges, the reply to a ranged request does not tell which version of
// the object it is of.
void Get::OnBucketKnown() {
  Prepare();
  const bool ranged = !request_.headers.empty();
  if (ranged && bucket_->range_checksum() == RangeChecksum::kOfRange) return Identify();
  Read();
}

void Get::Prepare() {
  request_.method = method_;
  request_.headers.clear();
  uri_ = ObjectUri(holder(), read_);
  // Without a range the reply begins at 0, and the engine skips what is not wanted.
  if (!range_.empty() && read_.takes_ranges()) request_.headers.push_back(range_);
}

void Get::Identify() {
  stage_ = Stage::kIdentifying;
  request_.method = HttpRequest::Method::kHead;
  request_.headers.clear();
  SendToHolder();
}

void Get::Read() {
  stage_ = Stage::kReading;
  SendToHolder();
}

void Get::SendToHolder() {
  const bool direct = route_ == Route::kDefault && cluster().direct();
  const Target* const target = direct ? cluster().TargetOf(holder()) : nullptr;
  if (target == nullptr) return SendToProxy();
  SendToTarget(*target);
}

// The archive has no member of this name, or does not exist: the name may be that of an object.
bool Get::TryAnotherObject() {
  if (holder().key == object().key) return false;
  set_holder(object());
  read_.archpath.clear();
  Prepare();
  SendToProxy();
  return true;
}

Flow Get::OnSuccess(const HttpHead& http) {
  const bool is_reply_to_head = request_.method == HttpRequest::Method::kHead;
  const Result<ReplyHead> head =
      ParseReplyHead(http, is_reply_to_head, bucket_->range_checksum(), checksum_);
  refused_ = read_.etl_name.empty() && IsWebPage(http) ? WebPage(object()) : head.status();
  if (refused_.ok() && !IsAsListed(http, head.value(), object().listed)) {
    refused_ = Replaced(object());
  }
  if (!refused_.ok()) return Flow::kStop;
  if (stage_ == Stage::kReading) return handler_->OnHead(head.value());
  checksum_ = http.Get("ais-checksum-value");
  return Flow::kContinue;
}

Flow Get::OnSuccessData(const char* data, size_t size) { return handler_->OnData(data, size); }

void Get::OnEnd(const Status& status, const RetryHint& hint) {
  if (!refused_.ok()) {
    const Status refused = refused_;  // a copy: the handler may destroy this
    const bool final = refused.code() == StatusCode::kObjectChanged;
    return handler_->OnDone(refused, final ? RetryHint{} : ThroughTheProxy(Kind::kRetry));
  }
  if (stage_ == Stage::kReading || !status.ok()) return handler_->OnDone(status, hint);
  Prepare();
  Read();
}

}  // namespace objectpipes::ais
