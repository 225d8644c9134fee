// The knowledge of a client of S3: how to reach each bucket, and how to sign for it.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "s3/bucket_address.h"
#include "s3/endpoint.h"
#include "s3/express_session.h"
#include "s3/list_page.h"
#include "s3/reply_error.h"
#include "s3/sigv4.h"
#include "transport/credentials.h"
#include "transport/http/http_client.h"
#include "transport/http/http_url.h"
#include "transport/transport.h"

namespace objectpipes {

struct S3Options {
  std::string endpoint_url;  // may contain "{region}", for the region of the bucket
  Addressing addressing = Addressing::kPath;
  std::string region;  // to begin with; empty: learned from the server's replies
  bool requester_pays = false;
  bool checksums = true;                        // ask for them
  ListVersion list_version = ListVersion::kV2;  // to begin with
  std::string expected_bucket_owner;            // an account; empty: any
  std::string sse_customer_key;  // 32 bytes that objects are encrypted with (SSE-C); empty: none
  HttpOptions http;

  // Calls visit(name, &field) for each that a user may set, except enumerations and `http`.
  template <typename Visit>
  void ForEach(const Visit& visit) {
    visit("endpoint_url", &endpoint_url);
    visit("region", &region);
    visit("requester_pays", &requester_pays);
    visit("checksums", &checksums);
    visit("expected_bucket_owner", &expected_bucket_owner);
    visit("sse_customer_key", &sse_customer_key);
  }
};

// Waits for the session of a directory bucket.
class SessionHandler {
 public:
  // The session is open, or `status` says why it is not.
  virtual void OnSession(const Status& status, const RetryHint& hint) = 0;

 protected:
  ~SessionHandler() = default;
};

// The session of a directory bucket. Requests that need it wait until it is open.
struct S3Session {
  std::optional<Signer> signer;
  std::string token;
  int64_t expires = 0;      // by our clock, corrected
  uint64_t generation = 0;  // of the credentials it was opened with
  int64_t retry_at = 0;     // after a renewal that failed
  std::vector<SessionHandler*> waiting;
  std::unique_ptr<Exchange> opening;
};

// Facts about a bucket, and what follows from them.
struct S3Bucket {
  std::string region;                    // empty: nothing
  std::optional<BucketAddress> address;  // null: it is unknown
  std::optional<S3Session> session;      // of a directory bucket
  std::optional<ListVersion> list_version;
};

// I/O thread only.
class S3Context {
 public:
  // The client outlives the context. Fails with kConfig on a malformed endpoint or key.
  static Result<std::unique_ptr<S3Context>> Create(HttpClient* client, S3Options options,
                                                   std::shared_ptr<CredentialStore> credentials);

  const S3Options& options() const { return options_; }
  HttpSession* http() { return &http_; }
  bool has_credentials() const { return !credentials_->Get().first.access_key.empty(); }
  bool has_customer_key() const { return !customer_key_headers_.empty(); }
  // POSIX seconds by the server's clock.
  int64_t Now() const;

  S3Bucket* BucketOf(const std::string& name);
  // Whether the URL is one of the bucket's endpoint, and may see our credentials.
  bool IsTrusted(const HttpUrl& url, const S3Bucket& bucket) const;
  // Takes in what an error reply says about region or clock; true if another attempt may now
  // succeed.
  bool LearnFrom(const S3Error& error, S3Bucket* bucket);

  struct SignedFor {
    S3Bucket* bucket;
    bool object;        // and not for the bucket itself
    bool with_session;  // with the keys of the bucket's session, if it has one
  };
  // Adds every header that shows who we are, and what only the store may see.
  Status Sign(const RequestTarget& target, std::string_view query, const SignedFor& what,
              HttpRequest* request);
  // Whether the handler has to wait for a session; then its OnSession() is called.
  bool AwaitsSession(const std::string& bucket_name, SessionHandler* handler);

 private:
  static constexpr uint64_t kNoGeneration = std::numeric_limits<uint64_t>::max();

  S3Context(HttpClient* client, S3Options options, std::shared_ptr<CredentialStore> credentials);

  Result<Endpoint> EndpointOf(const std::string& region) const;
  void UseCredentials();
  Signer* SignerOf(const S3Bucket& bucket);

  const S3Options options_;
  const std::shared_ptr<CredentialStore> credentials_;
  std::vector<std::string> customer_key_headers_;
  HttpSession http_;

  std::map<std::string, S3Bucket, std::less<>> buckets_;
  // By region and service, of one generation of credentials.
  std::map<std::pair<std::string, std::string>, Signer> signers_;
  uint64_t signers_generation_ = kNoGeneration;
  Credentials current_;
  int64_t clock_offset_ = 0;  // seconds to add to our clock to get the server's
};

}  // namespace objectpipes
