// libFuzzer: encoding can always be undone, and decoding never makes more of a text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/uri.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace objectpipes;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Plus plus : {Plus::kLiteral, Plus::kSpace}) {
    if (UriDecode(UriEncode(text), plus).value() != text) abort();
    if (UriDecode(UriEncodePath(text), plus).value() != text) abort();
    const Result<std::string> decoded = UriDecode(text, plus);
    if (decoded.ok() && decoded.value().size() > text.size()) abort();
  }
  return 0;
}
