// SSE-C: objects that are encrypted with a key of the customer's, which comes with every read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace objectpipes {

// The headers that bring the key of 32 bytes along; none without a key. kConfig where OpenSSL does
// not offer MD5, with which the store checks the key.
Result<std::vector<std::string>> CustomerKeyHeaders(std::string_view key);

}  // namespace objectpipes
