#include "s3/s3_context.h"

#include <algorithm>
#include <tuple>

#include "base/ascii.h"
#include "base/clock.h"
#include "s3/customer_key.h"
#include "s3/open_session.h"
#include "s3/redirect.h"

namespace objectpipes {
namespace {

constexpr std::string_view kDefaultRegion = "us-east-1";

// A session that has less than the first left is renewed in the background; one that has less than
// the second left is waited for.
constexpr int64_t kRenewSeconds = 60;
constexpr int64_t kUsableSeconds = 5;

}  // namespace

Result<std::unique_ptr<S3Context>> S3Context::Create(HttpClient* client, S3Options options,
                                                     std::shared_ptr<CredentialStore> credentials) {
  Result<std::vector<std::string>> key_headers = CustomerKeyHeaders(options.sse_customer_key);
  if (!key_headers.ok()) return key_headers.status();
  std::unique_ptr<S3Context> context(
      new S3Context(client, std::move(options), std::move(credentials)));
  context->customer_key_headers_ = std::move(key_headers).value();
  const Result<Endpoint> endpoint = context->EndpointOf(std::string(kDefaultRegion));
  if (!endpoint.ok()) return endpoint.status();
  return context;
}

S3Context::S3Context(HttpClient* client, S3Options options,
                     std::shared_ptr<CredentialStore> credentials)
    : options_(std::move(options)),
      credentials_(std::move(credentials)),
      http_(client, options_.http) {}

Result<Endpoint> S3Context::EndpointOf(const std::string& region) const {
  constexpr std::string_view kPlaceholder = "{region}";
  std::string url = options_.endpoint_url;
  if (const size_t at = url.find(kPlaceholder); at != std::string::npos) {
    url.replace(at, kPlaceholder.size(), region);
  }
  return ParseEndpoint(url, options_.addressing);
}

bool S3Context::IsTrusted(const HttpUrl& url, const S3Bucket& bucket) const {
  const size_t host = options_.endpoint_url.find("://") + 3;
  std::string pattern = ToLower(options_.endpoint_url.substr(host));
  pattern.resize(std::min(pattern.find_first_of("/:", pattern.find(']') + 1), pattern.size()));
  const BucketAddress& address = *bucket.address;
  return url.scheme == address.endpoint.scheme &&
         (IsHostOf(address.endpoint.host, address.name, url.host) ||
          IsHostOf(pattern, address.name, url.host));
}

S3Bucket* S3Context::BucketOf(const std::string& name) {
  S3Bucket& bucket = buckets_[name];
  if (!bucket.address.has_value()) {
    if (bucket.region.empty()) bucket.region = options_.region;
    if (bucket.region.empty()) bucket.region = kDefaultRegion;
    const Endpoint endpoint =
        EndpointOf(bucket.region).value();  // Create() has seen that it parses
    bucket.address = AddressOf(name, endpoint, bucket.region);
    if (bucket.address->directory && !bucket.session.has_value()) bucket.session.emplace();
  }
  return &bucket;
}

int64_t S3Context::Now() const { return WallSeconds() + clock_offset_; }

bool S3Context::LearnFrom(const S3Error& error, S3Bucket* bucket) {
  if (!error.region.empty()) {
    if (!IsRegion(error.region)) return false;
    if (bucket->region != error.region) {  // else another request has learned it meanwhile
      bucket->region = error.region;
      bucket->address.reset();
    }
    return true;
  }
  if (error.server_time.has_value()) {
    clock_offset_ = *error.server_time - WallSeconds();
    return true;
  }
  return false;
}

void S3Context::UseCredentials() {
  if (credentials_->generation() == signers_generation_) return;
  std::tie(current_, signers_generation_) = credentials_->Get();
  signers_.clear();
}

Signer* S3Context::SignerOf(const S3Bucket& bucket) {
  const auto scope = std::make_pair(bucket.address->region, bucket.address->service);
  auto signer = signers_.find(scope);
  if (signer == signers_.end()) {
    signer = signers_.emplace(scope, Signer(current_, scope.first, scope.second)).first;
  }
  return &signer->second;
}

bool S3Context::AwaitsSession(const std::string& bucket_name, SessionHandler* handler) {
  S3Bucket* const bucket = BucketOf(bucket_name);
  UseCredentials();
  if (!bucket->session.has_value() || current_.access_key.empty()) return false;
  S3Session* const session = &*bucket->session;
  if (session->generation != signers_generation_) session->expires = 0;
  const int64_t left = session->expires - Now();
  if (left > kRenewSeconds) return false;
  const bool usable = left > kUsableSeconds;
  if (session->opening == nullptr && (!usable || Now() >= session->retry_at)) {
    session->generation = signers_generation_;
    session->opening = OpenSession::Start(this, bucket_name);
  }
  if (!usable) session->waiting.push_back(handler);
  return !usable;
}

Status S3Context::Sign(const RequestTarget& target, std::string_view query, const SignedFor& what,
                       HttpRequest* request) {
  S3Bucket* const bucket = what.bucket;
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

  S3Session* const session =
      what.with_session && bucket->session.has_value() ? &*bucket->session : nullptr;
  if (session != nullptr) headers.push_back("x-amz-s3session-token: " + session->token);
  SigningRequest signing;
  signing.method = request->method == HttpRequest::Method::kHead ? "HEAD" : "GET";
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
