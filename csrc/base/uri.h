// Percent-encoding (RFC 3986) as AWS Signature Version 4 pins it down: every byte outside
// A-Z a-z 0-9 - . _ ~ becomes %XX with upper-case digits. Text is bytes; no UTF-8 is assumed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace objectpipes {

std::string UriEncode(std::string_view text);

// The same for a path: '/' is kept. Nothing is normalised, "a//b" and "a/../b" stay what they are.
std::string UriEncodePath(std::string_view path);

// What a '+' stands for: itself in a path, a space in a form-encoded field.
enum class Plus : uint8_t { kLiteral, kSpace };

// Appends the decoded text; false, with `out` in an unspecified state, if a '%' is not followed by
// two hexadecimal digits.
[[nodiscard]] bool AppendUriDecoded(std::string_view text, Plus plus, std::string* out);

// The same as a value of its own; kInvalidArgument when malformed.
Result<std::string> UriDecode(std::string_view text, Plus plus = Plus::kLiteral);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// "name=value&..." encoded and sorted as SigV4 signs it, so one string serves both the request line
// and the signature. A parameter without a value is written "name=", which servers read as "name".
std::string CanonicalQuery(const QueryParameters& parameters);

// Takes a query apart; '+' is a space. False, with `parameters` in an unspecified state, where it
// cannot be decoded.
[[nodiscard]] bool ParseQuery(std::string_view query, QueryParameters* parameters);

}  // namespace objectpipes
