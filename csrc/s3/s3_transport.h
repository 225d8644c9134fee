// S3 over the engine's own HTTP client.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "s3/etag.h"
#include "s3/s3_context.h"
#include "transport/transport.h"

namespace objectpipes {

class S3Transport final : public Transport {
 public:
  // As S3Context::Create().
  static Result<std::unique_ptr<Transport>> Create(HttpClient* client, S3Options options,
                                                   std::shared_ptr<CredentialStore> credentials);

  Result<ObjectId> ParseUrl(std::string_view url) const override;
  Status CheckBucket(std::string_view bucket) const override;
  std::string_view ETagOf(std::string_view version) const override {
    return WithoutQuotes(version);
  }
  std::unique_ptr<Exchange> StartGet(const GetRequest& request, GetHandler* handler) override;
  std::unique_ptr<Exchange> StartList(const ListRequest& request, ListHandler* handler) override;
  bool lacks_connections() const override { return context_->http()->lacks_connections(); }

 private:
  explicit S3Transport(std::unique_ptr<S3Context> context) : context_(std::move(context)) {}

  const std::unique_ptr<S3Context> context_;
};

}  // namespace objectpipes
