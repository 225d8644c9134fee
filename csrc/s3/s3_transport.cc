#include "s3/s3_transport.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/encoding.h"
#include "base/excerpt.h"
#include "base/uri.h"
#include "base/utc_time.h"
#include "s3/bucket_address.h"
#include "s3/customer_key.h"
#include "s3/express_session.h"
#include "s3/list_page.h"
#include "s3/redirect.h"
#include "s3/reply_head.h"
#include "s3/url.h"
#include "transport/content_range.h"
#include "transport/http/authority.h"

namespace objectpipes {
namespace {

constexpr std::string_view kDefaultRegion = "us-east-1";
constexpr size_t kMaxRedirects = 5;

// A session is renewed when it has less left than the first, in the background, and waited for when
// it has less than the second.
constexpr int64_t kRenewSeconds = 60;
constexpr int64_t kUsableSeconds = 5;
constexpr int64_t kBetweenRenewalsSeconds = 5;

// A directory bucket lists what is below a directory, in no order: what is asked for begins with a
// whole directory, and has no beginning.
ListRequest WithinDirectory(ListRequest request) {
  request.prefix.resize(request.prefix.rfind('/') + 1);  // npos + 1 is 0
  request.start_after.clear();
  return request;
}

void DropOthers(const std::string& prefix, ListPage* page) {
  const auto is_other = [&](const ListEntry& entry) {
    return page->view(entry.key).substr(0, prefix.size()) != prefix;
  };
  page->entries.erase(std::remove_if(page->entries.begin(), page->entries.end(), is_other),
                      page->entries.end());
}

HeaderLookup LookupIn(const HttpHead& http) {
  return [&http](std::string_view name) { return http.Get(name); };
}

// As it is signed. What cannot be decoded stays as it is.
std::string Canonical(const std::string& query) {
  QueryParameters parameters;
  return ParseQuery(query, &parameters) ? CanonicalQuery(parameters) : query;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// One request, its redirects and its error body

class S3Transport::Call : public Exchange, public HttpHandler {
 public:
  Call(S3Transport* transport, std::string bucket, std::string key)
      : transport_(transport), bucket_name_(std::move(bucket)), key_(std::move(key)) {}
  ~Call() override {
    if (!awaits_session_) return;
    std::vector<Call*>& waiting = bucket()->session->waiting;
    waiting.erase(std::remove(waiting.begin(), waiting.end(), this), waiting.end());
  }

  void Resume() override {
    if (http_ != nullptr) http_->Resume();
  }

  // The session that this has waited for is open, or it is said why it is not.
  void OnSession(const Status& status, const RetryHint& hint) {
    awaits_session_ = false;
    if (!status.ok()) return OnEnd(status, hint);
    SendToBucket();
  }

 protected:
  // Whether a reply of status 200 or 206 is what was asked for.
  virtual bool IsAnswer(const HttpHead& head) const = 0;
  virtual Flow OnSuccess(const HttpHead& head) = 0;
  virtual Space OnSuccessSpace() { return {}; }
  virtual Flow OnSuccessData(const char* data, size_t size) = 0;
  virtual void OnEnd(const Status& status, const RetryHint& hint) = 0;

  // With the keys of a session where the bucket wants that, unless it is one that is asked for.
  void Begin(HttpRequest::Method method, const std::string& query, bool with_session = true) {
    query_ = query;
    request_.method = method;
    with_session_ = with_session;
    fixed_headers_ = request_.headers.size();
    awaits_session_ = with_session && transport_->AwaitsSession(bucket_name_, this);
    if (!awaits_session_) SendToBucket();
  }

  void AddHeader(std::string_view name, std::string_view value) {
    request_.headers.push_back(std::string(name).append(": ").append(value));
  }

  Bucket* bucket() const { return transport_->KnownBucket(bucket_name_); }
  const std::string& bucket_name() const { return bucket_name_; }
  S3Error ErrorOf(std::string_view body) const;

  S3Transport* const transport_;

 private:
  void SendToBucket() {
    Send(MakeRequestTarget(*bucket()->endpoint, bucket()->name, key_, query_),
         bucket()->signing_region);
  }

  void Send(const RequestTarget& target, const std::string& region) {
    request_.headers.resize(fixed_headers_);
    request_.url = target.url;
    region_ = region;
    request_time_ = transport_->Now();
    if (trusted_) {
      unsigned_ =
          transport_->Sign(request_.method == HttpRequest::Method::kHead ? "HEAD" : "GET", target,
                           query_, {bucket(), !key_.empty(), with_session_}, &request_);
    }
    http_status_ = 0;
    succeeded_ = false;
    error_body_.clear();
    http_ = transport_->session_.Start(request_, this);
  }

  Flow OnHead(const HttpHead& head) override;
  Space OnSpace() override { return succeeded_ ? OnSuccessSpace() : Space{}; }
  Flow OnData(const char* data, size_t size) override;
  void OnDone(const Status& status) override;
  Status FollowRedirect(const std::string& location);
  Status Withheld(const Status& status) const;
  std::string HostHint(const Status& status) const;
  void EndSession(S3Error* error);

  const std::string bucket_name_;
  const std::string key_;
  std::string query_;
  std::string region_;
  int64_t request_time_ = 0;
  HttpRequest request_;
  size_t fixed_headers_ = 0;
  bool with_session_ = true;
  bool awaits_session_ = false;
  Status unsigned_;                   // why the request could not be signed
  std::vector<std::string> visited_;  // URLs that have redirected us
  bool trusted_ = true;               // we were never sent to a host that is not the endpoint's

  int http_status_ = 0;
  bool succeeded_ = false;
  // Of a reply that is not a success.
  std::string error_body_;
  std::string server_, date_, location_, retry_after_, request_id_, bucket_region_;

  std::unique_ptr<Exchange> http_;  // last: cancelled first
};

Flow S3Transport::Call::OnHead(const HttpHead& head) {
  http_status_ = head.status();
  request_id_ = head.Get("x-amz-request-id");
  succeeded_ = (http_status_ == 200 || http_status_ == 206) && IsAnswer(head);
  if (succeeded_) return OnSuccess(head);
  server_ = head.Get("server");
  date_ = head.Get("date");
  location_ = head.Get("location");
  retry_after_ = head.Get("retry-after");
  bucket_region_ = head.Get("x-amz-bucket-region");
  return Flow::kContinue;
}

Flow S3Transport::Call::OnData(const char* data, size_t size) {
  if (succeeded_) return OnSuccessData(data, size);
  const size_t room = kMaxErrorBodyBytes - error_body_.size();
  error_body_.append(data, std::min(size, room));
  return size <= room ? Flow::kContinue : Flow::kStop;  // what it is about is said by then
}

S3Error S3Transport::Call::ErrorOf(std::string_view body) const {
  ErrorReply reply;
  reply.http_status = http_status_;
  reply.body = body;
  reply.server = server_;
  reply.date = date_;
  reply.location = location_;
  reply.retry_after = retry_after_;
  reply.request_id = request_id_;
  reply.bucket_region = bucket_region_;
  reply.bucket = bucket_name_;
  reply.key = key_;
  reply.region = region_;
  reply.request_time = request_time_;
  reply.endpoint = &*bucket()->endpoint;
  reply.has_customer_key = !transport_->customer_key_headers_.empty();
  return ErrorFromReply(reply);
}

void S3Transport::Call::OnDone(const Status& status) {
  http_.reset();
  if (!unsigned_.ok())
    return OnEnd(Status(unsigned_), RetryHint{});  // a copy: this may be destroyed
  if (http_status_ != 0 && !succeeded_) {          // complete or not, its status line says it all
    S3Error error = ErrorOf(error_body_);
    if (error.region.empty() && !error.location.empty()) {
      const Status refused = FollowRedirect(error.location);
      if (refused.ok()) return;
      return OnEnd(refused, RetryHint{RetryHint::Kind::kRetry, -1, Route::kDefault});
    }
    if (!trusted_ && transport_->has_credentials()) {
      return OnEnd(Withheld(error.status), RetryHint{});
    }
    if (error.hint.kind == RetryHint::Kind::kRetryNow && !transport_->LearnFrom(error, bucket())) {
      error.hint.kind = RetryHint::Kind::kFatal;
    }
    if (!error.status.ok()) error.status.mutable_detail().endpoint = HostAndPortOf(request_.url);
    if (with_session_) EndSession(&error);
    return OnEnd(error.status, error.hint);
  }
  if (status.ok()) return OnEnd(status, RetryHint{});
  Status outcome(status.code(), status.message() + HostHint(status), status.detail());
  outcome.mutable_detail().request_id = request_id_;
  OnEnd(outcome, RetryHint{IsHopeless(status) ? RetryHint::Kind::kFatal : RetryHint::Kind::kRetry,
                           -1, Route::kDefault});
}

// With the bucket's name in it twice, a host is nobody's.
std::string S3Transport::Call::HostHint(const Status& status) const {
  const bool no_host = status.code() == StatusCode::kEndpoint || status.code() == StatusCode::kTls;
  if (!no_host || bucket()->endpoint->addressing != Addressing::kVirtual) return {};
  return BucketInEndpoint(*bucket()->endpoint, bucket_name_);
}

// A session may be ended before its time. That says nothing of the account's own keys.
void S3Transport::Call::EndSession(S3Error* error) {
  const StatusCode code = error->status.code();
  if (!bucket()->session.has_value() ||
      (code != StatusCode::kExpiredCredentials && code != StatusCode::kInvalidCredentials)) {
    return;
  }
  bucket()->session->expires = 0;
  error->hint.kind = RetryHint::Kind::kRetryNow;
}

// AIStore's /s3 sends every read on to a target, and a young bucket of AWS may redirect for a
// while. Authority and query are the server's to choose, but what proves who we are is only for
// hosts of the endpoint.
Status S3Transport::Call::FollowRedirect(const std::string& location) {
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
    return refused(", where the request has been before");
  }
  if (visited_.size() > kMaxRedirects) return refused(", one redirect after another");
  trusted_ = trusted_ && transport_->IsTrusted(to.value(), *bucket());
  // What is signed is the canonical query; what others have signed must stay as it is.
  query_ = trusted_ ? Canonical(to.value().query) : to.value().query;
  RequestTarget target;
  target.host = to.value().authority;
  target.path = to.value().path;
  target.url = to.value().origin() + target.path + (query_.empty() ? "" : "?" + query_);
  Send(target, region_);
  return Status::Ok();
}

// What a host says that we did not show who we are.
Status S3Transport::Call::Withheld(const Status& status) const {
  return Status(
      StatusCode::kEndpoint,
      "The store redirects to a host that is not its own and gets no credentials from us: " +
          Excerpt(request_.url) + " answers: " + status.message(),
      status.detail());
}

class S3Transport::Get final : public S3Transport::Call {
 public:
  Get(S3Transport* transport, const GetRequest& request, GetHandler* handler)
      : Call(transport, request.object.bucket, request.object.key),
        head_only_(request.head_only),
        handler_(handler) {
    if (transport->options_.checksums) AddHeader("x-amz-checksum-mode", "ENABLED");
    if (request.ranged()) {
      AddHeader("range", RangeText(request.begin, request.end));
    }
    if (!request.if_match.empty()) AddHeader("if-match", request.if_match);
    QueryParameters query;
    if (request.part_number != 0) {
      query.emplace_back("partNumber", std::to_string(request.part_number));
    }
    if (!request.object.listed.version.empty()) {
      query.emplace_back("versionId", request.object.listed.version);
    }
    Begin(head_only_ ? HttpRequest::Method::kHead : HttpRequest::Method::kGet,
          CanonicalQuery(query));
  }

 private:
  bool IsAnswer(const HttpHead& http) const override { return IsObject(LookupIn(http)); }

  Flow OnSuccess(const HttpHead& http) override {
    malformed_ =
        http.CheckUnique({"x-amz-checksum-crc64nvme", "x-amz-checksum-crc32c",
                          "x-amz-checksum-crc32", "x-amz-checksum-sha256", "x-amz-checksum-sha1"});
    if (!malformed_.ok()) return Flow::kStop;
    const Result<ReplyHead> head = ParseReplyHead(http.status(), LookupIn(http));
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
    handler_->OnDone(malformed, RetryHint{RetryHint::Kind::kRetry, -1, Route::kDefault});
  }

  const bool head_only_;
  GetHandler* const handler_;
  Status malformed_;
};

class S3Transport::List final : public S3Transport::Call {
 public:
  List(S3Transport* transport, const ListRequest& request, ListHandler* handler)
      : Call(transport, request.bucket, ""),
        prefix_(request.prefix),
        version_(
            VersionOf(request, bucket()->list_version.value_or(transport->options_.list_version))),
        first_(request.token.empty()),
        handler_(handler) {
    const ListRequest asked = bucket()->session.has_value() ? WithinDirectory(request) : request;
    Begin(HttpRequest::Method::kGet, CanonicalQuery(ListQuery(asked, version_)));
  }

 private:
  bool IsAnswer(const HttpHead&) const override { return true; }  // its document says what it is

  Flow OnSuccess(const HttpHead&) override { return Flow::kContinue; }

  Flow OnSuccessData(const char* data, size_t size) override {
    refused_ = AppendToPage(data, size, &body_);
    return refused_.ok() ? Flow::kContinue : Flow::kStop;
  }

  void OnEnd(const Status& status, const RetryHint& hint) override;

  const std::string prefix_;
  const ListVersion version_;
  const bool first_;  // page of its listing
  ListHandler* const handler_;
  Status refused_;  // why the reply is not read
  std::string body_;
};

void S3Transport::List::OnEnd(const Status& status, const RetryHint& hint) {
  if (!refused_.ok()) return handler_->OnPage(Status(refused_), RetryHint{});
  if (KnowsNoV2(status, first_, version_)) {
    bucket()->list_version = ListVersion::kV1;
    return handler_->OnPage(status, RetryHint{RetryHint::Kind::kRetryNow, -1, Route::kDefault});
  }
  if (!status.ok()) return handler_->OnPage(status, hint);
  const RetryHint retry{RetryHint::Kind::kRetry, -1, Route::kDefault};
  if (IsErrorDocument(body_)) {
    const S3Error error = ErrorOf(body_);
    return handler_->OnPage(error.status, error.hint);
  }
  Result<ListPage> page = ParseListPage(std::move(body_), version_);
  if (page.ok() && bucket()->session.has_value()) DropOthers(prefix_, &page.value());
  handler_->OnPage(std::move(page), retry);
}

// Asks for the keys with which requests of a directory bucket are signed.
class S3Transport::OpenSession final : public S3Transport::Call {
 public:
  OpenSession(S3Transport* transport, const std::string& bucket_name)
      : Call(transport, bucket_name, "") {
    AddHeader("x-amz-create-session-mode", "ReadOnly");
    Begin(HttpRequest::Method::kGet, kCreateSessionQuery, /*with_session=*/false);
  }

 private:
  bool IsAnswer(const HttpHead&) const override { return true; }

  Flow OnSuccess(const HttpHead& head) override {
    server_time_ = ParseTime(head.Get("date"));
    return Flow::kContinue;
  }

  Flow OnSuccessData(const char* data, size_t size) override {
    if (body_.size() + size > kMaxErrorBodyBytes) return Flow::kStop;
    body_.append(data, size);
    return Flow::kContinue;
  }

  void OnEnd(const Status& status, const RetryHint& hint) override;

  std::optional<double> server_time_;
  std::string body_;
};

void S3Transport::OpenSession::OnEnd(const Status& status, const RetryHint& hint) {
  Session* const session = &*bucket()->session;
  const std::unique_ptr<Exchange> self = std::move(session->opening);  // until this returns
  Status outcome = status;
  RetryHint what_next = hint;
  if (status.ok()) {
    Result<ExpressSession> opened = ParseExpressSession(body_);
    if (opened.ok()) {
      session->Open(std::move(opened).value(), *bucket(), server_time_, transport_->Now());
    } else {
      outcome = opened.status();
      what_next.kind = RetryHint::Kind::kRetry;
    }
  }
  if (!outcome.ok()) session->retry_at = transport_->Now() + kBetweenRenewalsSeconds;
  // One by one, because a call may end others. Those that come meanwhile ask anew.
  while (!session->waiting.empty() && session->opening == nullptr) {
    Call* const call = session->waiting.front();
    session->waiting.erase(session->waiting.begin());
    call->OnSession(outcome, what_next);
  }
}

// The keys are valid as long from now on as the server says that they are from its own time on.
S3Transport::Session::Session() = default;

void S3Transport::Session::Open(ExpressSession opened, const Bucket& bucket,
                                std::optional<double> server_time, int64_t now) {
  const auto since = server_time.has_value() ? static_cast<int64_t>(*server_time) : now;
  expires = now + opened.expires - since;
  token = std::exchange(opened.credentials.session_token, "");
  signer.emplace(std::move(opened.credentials), bucket.signing_region, bucket.signing_service);
}

// ---------------------------------------------------------------------------------------------------
// S3Transport

Result<std::unique_ptr<Transport>> S3Transport::Create(
    HttpClient* client, S3Options options, std::shared_ptr<CredentialStore> credentials) {
  Result<std::vector<std::string>> key_headers = CustomerKeyHeaders(options.sse_customer_key);
  if (!key_headers.ok()) return key_headers.status();
  std::unique_ptr<S3Transport> transport(
      new S3Transport(client, std::move(options), std::move(credentials)));
  transport->customer_key_headers_ = std::move(key_headers).value();
  const Result<Endpoint> endpoint = transport->EndpointOf(std::string(kDefaultRegion));
  if (!endpoint.ok()) return endpoint.status();
  return std::unique_ptr<Transport>(std::move(transport));
}

S3Transport::~S3Transport() = default;

S3Transport::S3Transport(HttpClient* client, S3Options options,
                         std::shared_ptr<CredentialStore> credentials)
    : options_(std::move(options)),
      credentials_(std::move(credentials)),
      session_(client, options_.http) {}

Result<ObjectId> S3Transport::ParseUrl(std::string_view url) const {
  Result<ObjectPath> path = ParseS3ObjectUrl(url);
  if (!path.ok()) return path.status();
  OBJECTPIPES_RETURN_IF_ERROR(CheckBucket(path.value().bucket));
  return ObjectId{std::move(path.value().bucket), std::move(path.value().key)};
}

Status S3Transport::CheckBucket(std::string_view bucket) const {
  return objectpipes::CheckBucket(bucket);
}

std::unique_ptr<Exchange> S3Transport::StartGet(const GetRequest& request, GetHandler* handler) {
  return std::make_unique<Get>(this, request, handler);
}

std::unique_ptr<Exchange> S3Transport::StartList(const ListRequest& request, ListHandler* handler) {
  return std::make_unique<List>(this, request, handler);
}

Result<Endpoint> S3Transport::EndpointOf(const std::string& region) const {
  constexpr std::string_view kPlaceholder = "{region}";
  std::string url = options_.endpoint_url;
  if (const size_t at = url.find(kPlaceholder); at != std::string::npos) {
    url.replace(at, kPlaceholder.size(), region);
  }
  return ParseEndpoint(url, options_.addressing);
}

bool S3Transport::IsTrusted(const HttpUrl& url, const Bucket& bucket) const {
  const size_t host = options_.endpoint_url.find("://") + 3;
  std::string pattern = ToLower(options_.endpoint_url.substr(host));
  pattern.resize(std::min(pattern.find_first_of("/:", pattern.find(']') + 1), pattern.size()));
  return url.scheme == bucket.endpoint->scheme &&
         (IsHostOf(bucket.endpoint->host, bucket.name, url.host) ||
          IsHostOf(pattern, bucket.name, url.host));
}

S3Transport::Bucket* S3Transport::KnownBucket(const std::string& name) {
  Bucket& bucket = buckets_[name];
  if (!bucket.endpoint.has_value()) {
    if (bucket.region.empty()) bucket.region = options_.region;
    if (bucket.region.empty()) bucket.region = kDefaultRegion;
    const Endpoint endpoint =
        EndpointOf(bucket.region).value();  // Create() has seen that it parses
    BucketAddress address = AddressOf(name, endpoint, bucket.region);
    bucket.endpoint = std::move(address.endpoint);
    bucket.name = std::move(address.name);
    bucket.signing_region = std::move(address.region);
    bucket.signing_service = std::move(address.service);
    if (address.directory && !bucket.session.has_value()) bucket.session = Session();
  }
  return &bucket;
}

int64_t S3Transport::Now() const { return WallSeconds() + clock_offset_; }

bool S3Transport::LearnFrom(const S3Error& error, Bucket* bucket) {
  if (!error.region.empty()) {
    if (!IsRegion(error.region)) return false;
    if (bucket->region != error.region) {  // else another request has learned it meanwhile
      bucket->region = error.region;
      bucket->endpoint.reset();
    }
    return true;
  }
  if (error.server_time.has_value()) {
    clock_offset_ = *error.server_time - WallSeconds();
    return true;
  }
  return false;
}

void S3Transport::UseCredentials() {
  if (credentials_->generation() == signers_generation_) return;
  std::tie(current_, signers_generation_) = credentials_->Get();
  signers_.clear();
}

Signer* S3Transport::SignerOf(const Bucket& bucket) {
  const auto scope = std::make_pair(bucket.signing_region, bucket.signing_service);
  auto signer = signers_.find(scope);
  if (signer == signers_.end()) {
    signer = signers_.emplace(scope, Signer(current_, scope.first, scope.second)).first;
  }
  return &signer->second;
}

bool S3Transport::AwaitsSession(const std::string& bucket_name, Call* call) {
  Bucket* const bucket = KnownBucket(bucket_name);
  UseCredentials();
  if (!bucket->session.has_value() || current_.access_key.empty()) return false;
  Session* const session = &*bucket->session;
  if (session->generation != signers_generation_) session->expires = 0;
  const int64_t left = session->expires - Now();
  if (left > kRenewSeconds) return false;
  const bool usable = left > kUsableSeconds;
  if (session->opening == nullptr && (!usable || Now() >= session->retry_at)) {
    session->generation = signers_generation_;
    session->opening = std::make_unique<OpenSession>(this, bucket_name);
  }
  if (!usable) session->waiting.push_back(call);
  return !usable;
}

Status S3Transport::Sign(std::string_view method, const RequestTarget& target,
                         std::string_view query, const SignedFor& what, HttpRequest* request) {
  Bucket* const bucket = what.bucket;
  UseCredentials();
  std::vector<std::string>& headers = request->headers;
  if (options_.requester_pays) headers.emplace_back("x-amz-request-payer: requester");
  if (!options_.expected_bucket_owner.empty()) {
    headers.push_back("x-amz-expected-bucket-owner: " + options_.expected_bucket_owner);
  }
  if (what.object) {
    headers.insert(headers.end(), customer_key_headers_.begin(), customer_key_headers_.end());
  }
  if (current_.access_key.empty()) return Status::Ok();  // anonymous

  Session* const session =
      what.with_session && bucket->session.has_value() ? &*bucket->session : nullptr;
  if (session != nullptr) headers.push_back("x-amz-s3session-token: " + session->token);
  SigningRequest signing;
  signing.method = method;
  signing.host = target.host;
  signing.path = target.path;
  signing.query = query;
  for (const std::string& header : headers) {
    if (header.compare(0, 6, "x-amz-") != 0) continue;
    const size_t colon = header.find(": ");
    signing.headers.push_back(
        {std::string_view(header).substr(0, colon), std::string_view(header).substr(colon + 2)});
  }
  Signer* const signer = session != nullptr ? &*session->signer : SignerOf(*bucket);
  Result<Signature> signature = signer->Sign(signing, Now());
  if (!signature.ok()) return signature.status();
  headers.push_back("x-amz-content-sha256: " + std::string(kEmptyPayloadHash));
  headers.push_back("x-amz-date: " + signature.value().amz_date);
  headers.push_back("authorization: " + signature.value().authorization);
  if (session == nullptr && !current_.session_token.empty()) {
    headers.push_back("x-amz-security-token: " + current_.session_token);
  }
  return Status::Ok();
}

}  // namespace objectpipes
