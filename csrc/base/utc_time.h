// Converts dates in UTC to and from POSIX seconds, without locale or time zone. The C library's
// functions for this are not portable (timegm, gmtime_r) or depend on the locale (strptime).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace objectpipes {

// "20130524T000000Z", the form of x-amz-date. From 1970 on.
std::string FormatBasicIso8601(int64_t unix_seconds);

// POSIX seconds of a time in any form that servers write: ISO 8601, RFC 1123, RFC 850, asctime, or
// seconds since 1970. It is in UTC unless it has an offset. Nothing if it has none of these forms,
// or its year does not have four digits.
std::optional<double> ParseTime(std::string_view text);

}  // namespace objectpipes
