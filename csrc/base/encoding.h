// Bytes as text: hexadecimal and base64.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace objectpipes {

// Lower case.
std::string HexEncode(std::string_view bytes);

// Takes either case. Fails with kInvalidArgument on an odd length or any other character.
Result<std::string> HexDecode(std::string_view text);

// RFC 4648 section 4: padded, on one line. For less than 1 GiB.
std::string Base64Encode(std::string_view bytes);

// Fails with kInvalidArgument unless Base64Encode() would produce `text`: white space, missing
// padding and stray bits in the last character are errors.
Result<std::string> Base64Decode(std::string_view text);

}  // namespace objectpipes
