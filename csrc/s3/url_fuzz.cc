// libFuzzer: a URL's key arrives in the request byte for byte, and an endpoint's URL survives its
// parts.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/uri.h"
#include "s3/endpoint.h"
#include "s3/url.h"

namespace objectpipes {
namespace {

void CheckObject(std::string_view url) {
  const Result<ObjectPath> parsed = ParseS3ObjectUrl(url);
  if (!parsed.ok()) return;
  const ObjectPath& path = parsed.value();
  if (FormatS3Url(path.bucket, path.key) != url) abort();

  const Endpoint endpoint = ParseEndpoint("https://host:9000/base", Addressing::kVirtual).value();
  const RequestTarget target = MakeRequestTarget(endpoint, path.bucket, path.key, "");
  const std::string decoded = UriDecode(target.url).value();
  if (decoded != "https://host:9000/base/" + path.bucket + "/" + path.key &&
      decoded != "https://" + path.bucket + ".host:9000/base/" + path.key) {
    abort();
  }
}

void CheckEndpoint(std::string_view url) {
  const Result<Endpoint> parsed = ParseEndpoint(url, Addressing::kPath);
  if (!parsed.ok()) {
    if (parsed.status().code() != StatusCode::kConfig) abort();
    return;
  }
  const RequestTarget target = MakeRequestTarget(parsed.value(), "bucket", "", "");
  const Endpoint again = ParseEndpoint(target.url, Addressing::kPath).value();
  if (again.host != parsed.value().host || again.port != parsed.value().port ||
      again.base_path != parsed.value().base_path + "/bucket") {
    abort();
  }
}

}  // namespace
}  // namespace objectpipes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  objectpipes::CheckObject(text);
  objectpipes::CheckEndpoint(text);
  return 0;
}
