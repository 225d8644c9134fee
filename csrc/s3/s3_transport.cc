#include "s3/s3_transport.h"

#include "s3/bucket_address.h"
#include "s3/s3_get.h"
#include "s3/s3_list.h"
#include "s3/url.h"

namespace objectpipes {

Result<std::unique_ptr<Transport>> S3Transport::Create(
    HttpClient* client, S3Options options, std::shared_ptr<CredentialStore> credentials) {
  Result<std::unique_ptr<S3Context>> context =
      S3Context::Create(client, std::move(options), std::move(credentials));
  if (!context.ok()) return context.status();
  return std::unique_ptr<Transport>(new S3Transport(std::move(context).value()));
}

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
  return std::make_unique<S3Get>(context_.get(), request, handler);
}

std::unique_ptr<Exchange> S3Transport::StartList(const ListRequest& request, ListHandler* handler) {
  return std::make_unique<S3List>(context_.get(), request, handler);
}

}  // namespace objectpipes
