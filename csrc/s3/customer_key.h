// SSE-C: objects encrypted with a customer's key, which is sent with every read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace objectpipes {

// The headers that send the key of 32 bytes; none without a key. kConfig if OpenSSL has no MD5: the
// store checks the key by its MD5.
Result<std::vector<std::string>> CustomerKeyHeaders(std::string_view key);

}  // namespace objectpipes
