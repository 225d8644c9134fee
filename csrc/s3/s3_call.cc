#include "s3/s3_call.h"

#include <algorithm>
#include <utility>

#include "base/excerpt.h"
#include "base/uri.h"
#include "s3/redirect.h"
#include "transport/http/http_url.h"

namespace objectpipes {
namespace {

constexpr size_t kMaxRedirects = 5;

// As it is signed. What cannot be decoded stays as it is.
std::string Canonical(const std::string& query) {
  QueryParameters parameters;
  return ParseQuery(query, &parameters) ? CanonicalQuery(parameters) : query;
}

}  // namespace

S3Call::S3Call(S3Context* context, std::string bucket, std::string key)
    : context_(context), bucket_name_(std::move(bucket)), key_(std::move(key)) {
  reply_.bucket = bucket_name_;
  reply_.key = key_;
  reply_.has_customer_key = context_->has_customer_key();
}

S3Call::~S3Call() {
  if (stage_ != Stage::kAwaitingSession) return;
  std::vector<SessionHandler*>& waiting = bucket()->session->waiting;
  waiting.erase(std::remove(waiting.begin(), waiting.end(), this), waiting.end());
}

void S3Call::Resume() {
  if (http_ != nullptr) http_->Resume();
}

void S3Call::AddHeader(std::string_view name, std::string_view value) {
  request_.headers.push_back(std::string(name).append(": ").append(value));
}

void S3Call::Begin(HttpRequest::Method method, const std::string& query, bool with_session) {
  query_ = query;
  request_.method = method;
  with_session_ = with_session;
  fixed_headers_ = request_.headers.size();
  const bool waits = with_session && context_->AwaitsSession(bucket_name_, this);
  if (!waits) return SendToBucket();
  stage_ = Stage::kAwaitingSession;
}

void S3Call::OnSession(const Status& status, const RetryHint& hint) {
  stage_ = Stage::kPreparing;
  if (!status.ok()) return OnEnd(status, hint);
  SendToBucket();
}

void S3Call::SendToBucket() {
  const BucketAddress& address = *bucket()->address;
  Send(MakeRequestTarget(address.endpoint, address.name, key_, query_), address.region);
}

void S3Call::Send(const RequestTarget& target, const std::string& region) {
  request_.headers.resize(fixed_headers_);
  request_.url = target.url;
  reply_.region = region;
  reply_.request_time = context_->Now();
  if (trusted_) {
    unsigned_ = context_->Sign(target, query_, {bucket(), !key_.empty(), with_session_}, &request_);
  }
  reply_.http_status = 0;
  stage_ = Stage::kAwaitingReply;
  error_body_.clear();
  http_ = context_->http()->Start(request_, this);
}

Space S3Call::OnSpace() { return stage_ == Stage::kAnswer ? OnSuccessSpace() : Space{}; }

Flow S3Call::OnHead(const HttpHead& head) {
  reply_.http_status = head.status();
  reply_.request_id = head.Get("x-amz-request-id");
  const bool success = (head.status() == 200 || head.status() == 206) && IsAnswer(head);
  stage_ = success ? Stage::kAnswer : Stage::kError;
  if (success) return OnSuccess(head);
  reply_.server = head.Get("server");
  reply_.date = head.Get("date");
  reply_.location = head.Get("location");
  reply_.retry_after = head.Get("retry-after");
  reply_.bucket_region = head.Get("x-amz-bucket-region");
  return Flow::kContinue;
}

Flow S3Call::OnData(const char* data, size_t size) {
  if (stage_ == Stage::kAnswer) return OnSuccessData(data, size);
  const size_t room = kMaxErrorBodyBytes - error_body_.size();
  error_body_.append(data, std::min(size, room));
  return size <= room ? Flow::kContinue : Flow::kStop;  // the beginning says what is wrong
}

S3Error S3Call::ErrorOf(std::string_view body) const {
  ErrorReply reply = reply_;
  reply.body = body;
  reply.endpoint = &bucket()->address->endpoint;
  return ErrorFromReply(reply);
}

void S3Call::OnDone(const Status& status) {
  http_.reset();
  // A copy of a member, because the handler may destroy this.
  if (!unsigned_.ok()) return OnEnd(Status(unsigned_), RetryHint{});
  if (stage_ == Stage::kError) return OnError();
  if (status.ok()) return OnEnd(status, RetryHint{});
  Status outcome(status.code(), status.message() + HostHint(status), status.detail());
  outcome.mutable_detail().request_id = reply_.request_id;
  OnEnd(outcome, RetryHint{IsHopeless(status) ? RetryHint::Kind::kFatal : RetryHint::Kind::kRetry});
}

// The status line decides, whether or not the body is complete.
void S3Call::OnError() {
  S3Error error = ErrorOf(error_body_);
  if (error.region.empty() && !error.location.empty()) {
    const Status refused = FollowRedirect(error.location);
    if (refused.ok()) return;
    return OnEnd(refused, RetryHint{RetryHint::Kind::kRetry});
  }
  if (!trusted_ && context_->has_credentials()) {
    return OnEnd(Withheld(error.status), RetryHint{});
  }
  if (error.hint.kind == RetryHint::Kind::kRetryNow && !context_->LearnFrom(error, bucket())) {
    error.hint.kind = RetryHint::Kind::kFatal;
  }
  if (!error.status.ok()) error.status.mutable_detail().endpoint = HostAndPortOf(request_.url);
  if (with_session_) EndSession(&error);
  OnEnd(error.status, error.hint);
}

// A host that has the bucket's name in it twice does not exist.
std::string S3Call::HostHint(const Status& status) const {
  const bool no_host = status.code() == StatusCode::kEndpoint || status.code() == StatusCode::kTls;
  const Endpoint& endpoint = bucket()->address->endpoint;
  if (!no_host || endpoint.addressing != Addressing::kVirtual) return {};
  return BucketInEndpoint(endpoint, bucket_name_);
}

// The store may end a session early. That says nothing about the account's own keys.
void S3Call::EndSession(S3Error* error) {
  const StatusCode code = error->status.code();
  if (!bucket()->session.has_value() ||
      (code != StatusCode::kExpiredCredentials && code != StatusCode::kInvalidCredentials)) {
    return;
  }
  bucket()->session->expires = 0;
  error->hint.kind = RetryHint::Kind::kRetryNow;
}

// AIStore's /s3 redirects every read to a target, and a new bucket of AWS may redirect for a while.
// The server chooses host and query. But credentials go only to hosts of the endpoint.
Status S3Call::FollowRedirect(const std::string& location) {
  Result<HttpUrl> from = ParseHttpUrl(request_.url);
  if (!from.ok()) return from.status();
  const Result<HttpUrl> to = ResolveRedirect(from.value(), location);
  if (!to.ok()) return to.status();
  const std::string url = to.value().text();
  const auto refused = [&url](const char* why) {
    return Status(StatusCode::kEndpoint, "The store redirects to " + Excerpt(url) + why);
  };
  if (from.value().is_tls() && !to.value().is_tls()) {
    return refused(", which is not encrypted: a request to https:// is not repeated there");
  }
  visited_.push_back(request_.url);
  if (std::find(visited_.begin(), visited_.end(), url) != visited_.end()) {
    return refused(", where this request has been before");
  }
  if (visited_.size() > kMaxRedirects) return refused(", after too many other redirects");
  trusted_ = trusted_ && context_->IsTrusted(to.value(), *bucket());
  // We sign the canonical query. A query that others have signed must stay as it is.
  query_ = trusted_ ? Canonical(to.value().query) : to.value().query;
  RequestTarget target;
  target.host = to.value().authority;
  target.path = to.value().path;
  target.url = to.value().origin() + target.path + (query_.empty() ? "" : "?" + query_);
  Send(target, reply_.region);
  return Status::Ok();
}

// The error of a host that was given no credentials.
Status S3Call::Withheld(const Status& status) const {
  return Status(
      StatusCode::kEndpoint,
      "The store redirects to " + Excerpt(request_.url) +
          ", which gets no credentials because it is not a host of the endpoint, and answers: " +
          status.message(),
      status.detail());
}

}  // namespace objectpipes
