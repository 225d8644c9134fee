// S3 over the engine's own HTTP client.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "s3/endpoint.h"
#include "s3/etag.h"
#include "s3/list_page.h"
#include "s3/reply_error.h"
#include "s3/sigv4.h"
#include "transport/credentials.h"
#include "transport/http/http_client.h"
#include "transport/transport.h"

namespace objectpipes {

struct S3Options {
  std::string endpoint_url;  // may contain "{region}", for the region of the bucket
  Addressing addressing = Addressing::kPath;
  std::string region;  // to begin with; empty: found out from the server's replies
  bool requester_pays = false;
  bool checksums = true;  // ask for them
  HttpOptions http;
};

class S3Transport final : public Transport {
 public:
  // The client outlives the transport. Fails with kConfig on a malformed endpoint.
  static Result<std::unique_ptr<Transport>> Create(HttpClient* client, S3Options options,
                                                   std::shared_ptr<CredentialStore> credentials);

  Result<ObjectId> ParseUrl(std::string_view url) const override;
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

  // What has been learned of a bucket.
  struct Bucket {
    std::string region;
    std::optional<Endpoint> endpoint;
    ListVersion list_version = ListVersion::kV2;
  };

  S3Transport(HttpClient* client, S3Options options, std::shared_ptr<CredentialStore> credentials);

  Bucket* KnownBucket(const std::string& name);
  Result<Endpoint> EndpointOf(const std::string& region) const;
  Status Sign(std::string_view method, const RequestTarget& target, std::string_view query,
              const std::string& region, HttpRequest* request);
  // Takes in what an error reply says about region or clock; true if that makes another attempt
  // worth while.
  bool LearnFrom(const S3Error& error, Bucket* bucket);
  int64_t Now() const;

  const S3Options options_;
  const std::shared_ptr<CredentialStore> credentials_;
  HttpSession session_;

  std::map<std::string, Bucket, std::less<>> buckets_;
  std::map<std::string, Signer, std::less<>>
      signers_;  // by region, of one generation of credentials
  uint64_t signers_generation_ = kNoGeneration;
  Credentials current_;
  int64_t clock_offset_ = 0;  // seconds to add to our clock to get the server's
};

}  // namespace objectpipes
