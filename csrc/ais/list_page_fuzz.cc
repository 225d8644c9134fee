// libFuzzer: any bytes give a page that is consistent in itself, or kProtocol.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ais/list_page.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using objectpipes::StatusCode;
  const auto result = objectpipes::ais::ParseListPage({reinterpret_cast<const char*>(data), size});
  if (!result.ok()) {
    if (result.status().code() != StatusCode::kProtocol) abort();
    return 0;
  }
  const objectpipes::ListPage& page = result.value().page;
  if (page.text.size() > size) abort();
  for (const objectpipes::ListEntry& entry : page.entries) {
    if (page.view(entry.key).size() != entry.key.size || entry.key.size == 0) abort();
    if (page.view(entry.checksum).size() != entry.checksum.size) abort();
    if (page.view(entry.version).size() != entry.version.size) abort();
    if (entry.size < (entry.is_prefix ? -1 : 0)) abort();
  }
  return 0;
}
