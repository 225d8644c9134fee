// libFuzzer: any bytes give a page whose entries lie within it and that can be followed, or
// kProtocol.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "s3/list_page.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace objectpipes;
  const Result<ListPage> parsed =
      ParseListPage(std::string(reinterpret_cast<const char*>(data), size));
  if (!parsed.ok()) {
    if (parsed.status().code() != StatusCode::kProtocol) abort();
    return 0;
  }
  const ListPage& page = parsed.value();
  for (const ListEntry& entry : page.entries) {
    if (page.view(entry.key).size() != entry.key.size || entry.key.size == 0) abort();
    if (page.view(entry.etag).size() != entry.etag.size) abort();
    if (entry.size < -1) abort();
  }
  ListRequest request;
  request.token = page.next_token;
  if (ListQuery(request).empty()) abort();
  return 0;
}
