// libFuzzer: whatever a bucket is called, requests go to a host of the endpoint's, and to no other.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "s3/bucket_address.h"

namespace objectpipes {
namespace {

bool IsHostName(std::string_view host) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-.";
  return !host.empty() && host.front() != '.' && host.find("..") == std::string_view::npos &&
         host.find_first_not_of(kAllowed) == std::string_view::npos;
}

void CheckAddress(std::string_view bucket, const char* url, bool is_aws) {
  const Endpoint endpoint = ParseEndpoint(url, Addressing::kVirtual).value();
  const BucketAddress address = AddressOf(bucket, endpoint, "us-east-1");
  const Endpoint& found = address.endpoint;
  if (!IsHostName(found.host) || found.scheme != endpoint.scheme) abort();
  if (!is_aws && (found.host != endpoint.host || found.port != endpoint.port)) abort();
  if (address.service.empty() || address.region.empty()) abort();
  const RequestTarget target = MakeRequestTarget(found, address.name, "key", "");
  const std::string own =
      found.port == 0 ? found.host : found.host + ":" + std::to_string(found.port);
  const size_t before = target.host.size() - std::min(target.host.size(), own.size());
  if (target.host.substr(before) != own) abort();
  if (!IsHostName(target.host.substr(0, before) + found.host)) abort();
  if (target.url.rfind(found.scheme + "://" + target.host + "/", 0) != 0) abort();
}

}  // namespace
}  // namespace objectpipes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bucket(reinterpret_cast<const char*>(data), size);
  const size_t arn = objectpipes::ArnLength(bucket);
  if (arn != std::string_view::npos && arn > size) abort();
  if (bucket.empty() || !objectpipes::CheckBucket(bucket).ok()) return 0;
  objectpipes::CheckAddress(bucket, "https://s3.us-east-1.amazonaws.com", true);
  objectpipes::CheckAddress(bucket, "https://s3-fips.dualstack.us-east-1.amazonaws.com", true);
  objectpipes::CheckAddress(bucket, "http://store.example:9000", false);
  return 0;
}
