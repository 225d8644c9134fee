// S3 over the engine's own HTTP client.
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

#include "s3/endpoint.h"
#include "s3/etag.h"
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
  std::string region;  // to begin with; empty: found out from the server's replies
  bool requester_pays = false;
  bool checksums = true;                        // ask for them
  ListVersion list_version = ListVersion::kV2;  // to begin with
  std::string expected_bucket_owner;            // an account; empty: any
  std::string sse_customer_key;  // 32 bytes that objects are encrypted with (SSE-C); empty: none
  HttpOptions http;
};

class S3Transport final : public Transport {
 public:
  // The client outlives the transport. Fails with kConfig on a malformed endpoint.
  static Result<std::unique_ptr<Transport>> Create(HttpClient* client, S3Options options,
                                                   std::shared_ptr<CredentialStore> credentials);

  ~S3Transport() override;

  Result<ObjectId> ParseUrl(std::string_view url) const override;
  Status CheckBucket(std::string_view bucket) const override;
  std::string_view ETagOf(std::string_view version) const override {
    return WithoutQuotes(version);
  }
  std::unique_ptr<Exchange> StartGet(const GetRequest& request, GetHandler* handler) override;
  std::unique_ptr<Exchange> StartList(const ListRequest& request, ListHandler* handler) override;

 private:
  static constexpr uint64_t kNoGeneration = std::numeric_limits<uint64_t>::max();

  class Call;
  class Get;
  class List;
  class OpenSession;

  struct Bucket;

  // The session of a directory bucket. Requests that need it wait until it is open.
  struct Session {
    Session();  // defined elsewhere: clang knows the members' defaults only after the outer class
    std::optional<Signer> signer;
    std::string token;
    int64_t expires = 0;      // by our clock, corrected
    uint64_t generation = 0;  // of the credentials it was opened with
    int64_t retry_at = 0;     // after a renewal that failed
    std::vector<Call*> waiting;
    std::unique_ptr<Exchange> opening;

    void Open(ExpressSession opened, const Bucket& bucket, std::optional<double> server_time,
              int64_t now);
  };

  // What has been learned of a bucket, and what follows from it.
  struct Bucket {
    std::string region;                // empty: nothing
    std::optional<Endpoint> endpoint;  // null: the rest is to be found out anew
    std::string name;                  // as it is sent
    std::string signing_region;
    std::string signing_service;
    std::optional<Session> session;  // of a directory bucket
    std::optional<ListVersion> list_version;
  };

  S3Transport(HttpClient* client, S3Options options, std::shared_ptr<CredentialStore> credentials);

  Bucket* KnownBucket(const std::string& name);
  // Whether the URL is one of the bucket's endpoint, and may see our credentials.
  bool IsTrusted(const HttpUrl& url, const Bucket& bucket) const;
  bool has_credentials() const { return !credentials_->Get().first.access_key.empty(); }
  Result<Endpoint> EndpointOf(const std::string& region) const;
  struct SignedFor {
    Bucket* bucket;
    bool object;        // and not for the bucket itself
    bool with_session;  // with the keys of the bucket's session, if it has one
  };
  // Adds every header that shows who we are, and what only the store may see.
  Status Sign(std::string_view method, const RequestTarget& target, std::string_view query,
              const SignedFor& what, HttpRequest* request);
  void UseCredentials();
  Signer* SignerOf(const Bucket& bucket);
  // Whether the call has to wait for a session; then its OnSession() is called.
  bool AwaitsSession(const std::string& bucket_name, Call* call);
  // Takes in what an error reply says about region or clock; true if that makes another attempt
  // worth while.
  bool LearnFrom(const S3Error& error, Bucket* bucket);
  int64_t Now() const;

  const S3Options options_;
  const std::shared_ptr<CredentialStore> credentials_;
  std::vector<std::string> customer_key_headers_;
  HttpSession session_;

  std::map<std::string, Bucket, std::less<>> buckets_;
  // By region and service, of one generation of credentials.
  std::map<std::pair<std::string, std::string>, Signer> signers_;
  uint64_t signers_generation_ = kNoGeneration;
  Credentials current_;
  int64_t clock_offset_ = 0;  // seconds to add to our clock to get the server's
};

}  // namespace objectpipes
