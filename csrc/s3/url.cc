#include "s3/url.h"

#include "s3/bucket_address.h"

namespace objectpipes {
namespace {

constexpr std::string_view kScheme = "s3://";

}  // namespace

Result<ObjectPath> ParseS3Url(std::string_view url) {
  if (url.empty() || url == kScheme) {
    return Status::InvalidArgument("The filename cannot be an empty string.");
  }
  if (url.substr(0, kScheme.size()) != kScheme) {
    return Status::InvalidArgument("The filename must start with the S3 scheme.");
  }
  url.remove_prefix(kScheme.size());
  const size_t arn = ArnLength(url);
  if (arn == std::string_view::npos) {
    return Status::InvalidArgument("The ARN does not name an access point: s3://" +
                                   std::string(url));
  }
  const size_t slash = url.find('/', arn);
  if (slash == 0) {
    return Status::InvalidArgument("The filename does not contain a bucket name.");
  }
  ObjectPath path{std::string(url.substr(0, slash)), {}};
  if (slash != std::string_view::npos) path.key = url.substr(slash + 1);
  return path;
}

Result<ObjectPath> ParseS3ObjectUrl(std::string_view url) {
  Result<ObjectPath> path = ParseS3Url(url);
  if (path.ok() && path.value().key.empty()) {
    return Status::InvalidArgument("The filename names a bucket, not an object: " +
                                   std::string(url));
  }
  return path;
}

std::string FormatS3Url(std::string_view bucket, std::string_view key) {
  std::string url;
  url.reserve(kScheme.size() + bucket.size() + 1 + key.size());
  url.append(kScheme).append(bucket).append("/").append(key);
  return url;
}

}  // namespace objectpipes
