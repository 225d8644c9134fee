// Dates in UTC to and from POSIX seconds, without locale, time zone or clock. The C library's
// functions for this are not portable (timegm, gmtime_r) or depend on the locale (strptime).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace objectpipes {

// "20130524T000000Z", as x-amz-date wants it. From 1970 on.
std::string FormatBasicIso8601(int64_t unix_seconds);

// POSIX seconds from a time in any form that servers write: ISO 8601, RFC 1123 and RFC 850,
// asctime, or seconds since 1970. It is in UTC unless it has an offset. Nothing if it is none of
// these, or of a year that does not have four digits.
std::optional<double> ParseTime(std::string_view text);

}  // namespace objectpipes
