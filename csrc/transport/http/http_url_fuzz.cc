// libFuzzer: any bytes are a reference that becomes a URL fit for a request, or kProtocol.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "transport/http/http_url.h"

namespace objectpipes {
namespace {

void Check(const Result<HttpUrl>& url) {
  if (!url.ok()) {
    if (url.status().code() != StatusCode::kProtocol) abort();
    return;
  }
  const std::string text = url.value().text();
  for (const char c : text) {
    if (c <= ' ' || c >= '\x7F') abort();
  }
  const Result<HttpUrl> again = ParseHttpUrl(text);
  if (!again.ok() || again.value().text() != text) abort();
}

}  // namespace
}  // namespace objectpipes

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto base = objectpipes::ParseHttpUrl("https://h:1/a/b?c").value();
  objectpipes::Check(objectpipes::ParseHttpUrl(text));
  objectpipes::Check(objectpipes::ResolveReference(base, text));
  if (objectpipes::FindPath(text) > size) abort();
  return 0;
}
