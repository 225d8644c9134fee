// libFuzzer: the key of a URL arrives in the request byte for byte, and what a message calls the
// object is a URL of it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ais/archive_member.h"
#include "ais/requests.h"
#include "ais/url.h"
#include "base/uri.h"

namespace objectpipes::ais {
namespace {

void CheckRequest(const ObjectId& object) {
  const std::string uri = ObjectUri(object, {});
  const std::string_view path = std::string_view(uri).substr(0, uri.find('?'));
  const std::string end = "/" + object.key;
  const std::string decoded = UriDecode(path).value();
  if (decoded.size() < end.size() || decoded.substr(decoded.size() - end.size()) != end) abort();
}

void CheckMember(std::string_view key) {
  const auto split = SplitArchiveMember(key);
  if (!split.has_value()) return;
  if (split->archive.empty() || split->member.empty()) abort();
  if (std::string(split->archive) + "/" + std::string(split->member) != key) abort();
}

void Check(std::string_view url) {
  const Result<Url> parsed = ParseObjectUrl(url);
  if (!parsed.ok()) {
    if (parsed.status().code() != StatusCode::kInvalidArgument) abort();
    return;
  }
  const ObjectId& object = parsed.value().object;
  const ObjectId again = ParseObjectUrl(UrlOf(object)).value().object;
  if (again.bucket != object.bucket || again.key != object.key) abort();
  CheckRequest(object);
  CheckMember(object.key);
}

}  // namespace
}  // namespace objectpipes::ais

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  objectpipes::ais::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
