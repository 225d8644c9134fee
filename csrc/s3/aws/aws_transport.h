// S3 over aws-sdk-cpp, for what only the SDK speaks: directory buckets, access points, AWS's own
// endpoints.
//
// The SDK addresses, signs and sends. The same code as for S3Transport interprets the reply. Calls
// of the SDK block, so each exchange has a thread inside the SDK.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "s3/aws/request_options.h"
#include "s3/etag.h"
#include "s3/list_page.h"
#include "s3/reply_error.h"
#include "s3/s3_transport.h"
#include "transport/credentials.h"
#include "transport/transport.h"

namespace Aws::S3 {
class S3Client;
}

namespace objectpipes {

class StallWatch;

class AwsTransport final : public Transport {
 public:
  // The executor outlives the transport. kConfig or kNotSupported for options that the SDK cannot
  // use.
  static Result<std::unique_ptr<Transport>> Create(Executor* executor, S3Options options,
                                                   std::shared_ptr<CredentialStore> credentials);

  Result<ObjectId> ParseUrl(std::string_view url) const override;
  std::string_view ETagOf(std::string_view version) const override {
    return WithoutQuotes(version);
  }
  std::unique_ptr<Exchange> StartGet(const GetRequest& request, GetHandler* handler) override;
  std::unique_ptr<Exchange> StartList(const ListRequest& request, ListHandler* handler) override;

 private:
  class Call;
  class Get;
  class List;

  AwsTransport(Executor* executor, S3Options options, std::shared_ptr<CredentialStore> credentials);

  const std::string& RegionOf(const std::string& bucket) const;
  ListVersion ListVersionOf(const std::string& bucket) const;
  std::shared_ptr<Aws::S3::S3Client> ClientFor(const std::string& region);

  Executor* const executor_;
  const S3Options options_;
  const std::shared_ptr<StallWatch> stall_watch_;
  const std::shared_ptr<CredentialStore> credentials_;
  RequestOptions request_options_;

  std::map<std::string, std::shared_ptr<Aws::S3::S3Client>> clients_;  // by region
  // What has been learned of buckets.
  std::map<std::string, std::string> regions_;
  std::map<std::string, ListVersion> list_versions_;
};

}  // namespace objectpipes
