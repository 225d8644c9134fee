// libFuzzer: any text is properties of a bucket or kProtocol.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "ais/bucket_props.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto props =
      objectpipes::ais::ParseBucketProps({reinterpret_cast<const char*>(data), size});
  if (!props.ok() && props.status().code() != objectpipes::StatusCode::kProtocol) abort();
  return 0;
}
