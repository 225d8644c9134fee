// Percent-encoding (RFC 3986) as AWS Signature Version 4 prescribes it: every byte other than A-Z
// a-z 0-9 - . _ ~ becomes %XX with upper-case digits. A text is bytes, not necessarily UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace objectpipes {

std::string UriEncode(std::string_view text);

// The same for a path, which keeps '/'. Nothing is normalised: "a//b" and "a/../b" stay as they
// are.
std::string UriEncodePath(std::string_view path);

// What a '+' stands for: itself in a path, a space in a form-encoded field.
enum class Plus : uint8_t { kLiteral, kSpace };

// Appends the decoded text. False if two hexadecimal digits do not follow each '%'; `out` is then
// unspecified.
[[nodiscard]] bool AppendUriDecoded(std::string_view text, Plus plus, std::string* out);

// Returns the decoded text; kInvalidArgument if it is malformed.
Result<std::string> UriDecode(std::string_view text, Plus plus = Plus::kLiteral);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// "name=value&..." encoded and sorted as SigV4 signs it, so one string serves both the request line
// and the signature. A parameter without a value is written "name=", which servers read as "name".
std::string CanonicalQuery(const QueryParameters& parameters);

// Splits a query into its parameters; '+' is a space. False if it cannot be decoded; `parameters`
// is then unspecified.
[[nodiscard]] bool ParseQuery(std::string_view query, QueryParameters* parameters);

}  // namespace objectpipes
