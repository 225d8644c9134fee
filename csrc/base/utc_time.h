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

// "2013-05-24T00:00:00.123Z" or "20130524T000000Z"; the fraction is optional, UTC is required.
std::optional<double> ParseIso8601(std::string_view text);

// "Fri, 24 May 2013 00:00:00 GMT", the one form HTTP still generates (RFC 9110, IMF-fixdate).
std::optional<int64_t> ParseHttpDate(std::string_view text);

}  // namespace objectpipes
