#include "base/utc_time.h"

#include <array>
#include <cmath>

#include "base/ascii.h"

namespace objectpipes {
namespace {

constexpr int64_t kSecondsPerDay = 86400;

// The years that have four digits.
constexpr double kFirstSecond = -62'167'219'200;      // 0000-01-01T00:00:00Z
constexpr double kAfterLastSecond = 253'402'300'800;  // 10000-01-01T00:00:00Z

struct Date {
  int64_t year;
  int64_t month;  // 1-12
  int64_t day;    // 1-31
};

// Both conversions count years that begin in March, so the leap day comes last, and eras of 400
// years, which all have the same number of days.
constexpr int64_t kDaysPerEra = 146097;
constexpr int64_t kDaysToEpoch = 719468;  // from 0000-03-01 to 1970-01-01

int64_t DaysSinceEpoch(const Date& date) {
  const int64_t year = date.month <= 2 ? date.year - 1 : date.year;
  const int64_t era = year / 400;
  const int64_t year_of_era = year % 400;
  const int64_t month_from_march = (date.month + 9) % 12;
  const int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * kDaysPerEra + day_of_era - kDaysToEpoch;
}

Date DateOfDay(int64_t days_since_epoch) {
  const int64_t days = days_since_epoch + kDaysToEpoch;
  const int64_t era = days / kDaysPerEra;
  const int64_t day_of_era = days % kDaysPerEra;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  const int64_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  return {era * 400 + year_of_era + (month <= 2 ? 1 : 0), month, day};
}

void AppendDigits(int64_t value, size_t width, std::string* out) {
  out->append(width, '0');
  for (auto digit = out->rbegin(); width > 0; --width, ++digit, value /= 10) {
    *digit = static_cast<char>('0' + value % 10);
  }
}

// Reads a text from its front. Each function returns false, and leaves the text as it was, if the
// text does not continue as asked.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool AtEnd() const { return text_.empty(); }

  bool OneOf(std::string_view characters) {
    if (text_.empty() || characters.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }

  void Spaces() {
    while (OneOf(" ")) {
    }
  }

  // Ignores case; `expected` is in lower case.
  bool Word(std::string_view expected) {
    if (text_.size() < expected.size()) return false;
    for (size_t i = 0; i < expected.size(); ++i) {
      if (ToLower(text_[i]) != expected[i]) return false;
    }
    text_.remove_prefix(expected.size());
    return true;
  }

  bool Digits(size_t width, int64_t* value) {
    if (text_.size() < width) return false;
    int64_t read = 0;
    for (const char c : text_.substr(0, width)) {
      if (!IsDigit(c)) return false;
      read = read * 10 + (c - '0');
    }
    text_.remove_prefix(width);
    *value = read;
    return true;
  }

  bool Fraction(double* value) {
    double unit = 0.1;
    int64_t digit = 0;
    if (!Digits(1, &digit)) return false;
    do {
      *value += unit * static_cast<double>(digit);
      unit /= 10;
    } while (Digits(1, &digit));
    return true;
  }

  bool MonthName(int64_t* month) {
    constexpr std::array<std::string_view, 12> kNames = {"jan", "feb", "mar", "apr", "may", "jun",
                                                         "jul", "aug", "sep", "oct", "nov", "dec"};
    for (size_t i = 0; i < kNames.size(); ++i) {
      if (Word(kNames[i])) {
        *month = static_cast<int64_t>(i) + 1;
        return true;
      }
    }
    return false;
  }

 private:
  std::string_view text_;
};

struct TimeOfDay {
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  double fraction = 0;
};

bool IsInCalendar(const Date& date) {
  if (date.month < 1 || date.month > 12 || date.day < 1 || date.day > 31) return false;
  return DateOfDay(DaysSinceEpoch(date)).day == date.day;  // otherwise the month has no such day
}

std::optional<double> UnixTime(const Date& date, const TimeOfDay& time, int64_t zone_seconds) {
  const bool valid = IsInCalendar(date) && time.hour <= 23 && time.minute <= 59 &&
                     time.second <= 60;  // a leap second
  if (!valid) return std::nullopt;
  const int64_t seconds = DaysSinceEpoch(date) * kSecondsPerDay + time.hour * 3600 +
                          time.minute * 60 + time.second - zone_seconds;
  return static_cast<double>(seconds) + time.fraction;
}

// hh:mm[:ss[.fraction]] or the same without colons.
bool ScanTimeOfDay(Scanner* scan, TimeOfDay* time) {
  if (!scan->Digits(2, &time->hour)) return false;
  const bool colons = scan->OneOf(":");
  if (!scan->Digits(2, &time->minute)) return false;
  if (colons ? !scan->OneOf(":") : !scan->Digits(2, &time->second)) return true;
  if (colons && !scan->Digits(2, &time->second)) return false;
  return !scan->OneOf(".,") || scan->Fraction(&time->fraction);
}

// Z, UTC, GMT, +hh, +hhmm or +hh:mm. A time without a zone is in UTC, as all times of S3 are.
bool ScanZone(Scanner* scan, int64_t* seconds) {
  scan->Spaces();
  if (scan->Word("utc") || scan->Word("gmt") || scan->Word("z")) return true;
  const int64_t sign = scan->OneOf("+") ? 1 : scan->OneOf("-") ? -1 : 0;
  if (sign == 0) return true;
  int64_t hours = 0;
  int64_t minutes = 0;
  if (!scan->Digits(2, &hours) || hours > 23) return false;
  const bool colon = scan->OneOf(":");
  if (!scan->Digits(2, &minutes) && colon) return false;
  if (minutes > 59) return false;
  *seconds = sign * (hours * 3600 + minutes * 60);
  return true;
}

// "2013-05-24T00:00:00.123Z", "2013-05-24 00:00", "2013-05-24", "20130524T000000Z" (ISO 8601).
std::optional<double> ParseIso8601(std::string_view text) {
  Scanner scan(text);
  Date date{};
  TimeOfDay time;
  int64_t zone = 0;
  if (!scan.Digits(4, &date.year)) return std::nullopt;
  const bool dashes = scan.OneOf("-");
  if (!scan.Digits(2, &date.month) || (dashes && !scan.OneOf("-")) || !scan.Digits(2, &date.day)) {
    return std::nullopt;
  }
  if (scan.OneOf("Tt ") && !(ScanTimeOfDay(&scan, &time) && ScanZone(&scan, &zone))) {
    return std::nullopt;
  }
  return scan.AtEnd() ? UnixTime(date, time, zone) : std::nullopt;
}

bool ScanOneOrTwoDigits(Scanner* scan, int64_t* value) {
  return scan->Digits(2, value) || scan->Digits(1, value);
}

// Two digits mean a year from 1969 to 2068, as in POSIX.
bool ScanYear(Scanner* scan, int64_t* year) {
  if (scan->Digits(4, year)) return true;
  if (!scan->Digits(2, year)) return false;
  *year += *year < 69 ? 2000 : 1900;
  return true;
}

void ScanWeekday(Scanner* scan) {
  for (const std::string_view name :
       {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}) {
    if (scan->Word(name) || scan->Word(name.substr(0, 3))) break;
  }
  scan->OneOf(",");
  scan->Spaces();
}

// "Fri, 24 May 2013 00:00:00 GMT" (RFC 1123) and "Friday, 24-May-13 00:00:00 GMT" (RFC 850).
std::optional<double> ParseRfc1123(std::string_view text) {
  Scanner scan(text);
  Date date{};
  TimeOfDay time;
  int64_t zone = 0;
  ScanWeekday(&scan);
  if (!ScanOneOrTwoDigits(&scan, &date.day) || !scan.OneOf(" -") || !scan.MonthName(&date.month) ||
      !scan.OneOf(" -") || !ScanYear(&scan, &date.year) || !scan.OneOf(" ") ||
      !ScanTimeOfDay(&scan, &time) || !ScanZone(&scan, &zone) || !scan.AtEnd()) {
    return std::nullopt;
  }
  return UnixTime(date, time, zone);
}

// "Fri May 24 00:00:00 2013" (C's asctime) and "Fri May 24 00:00:00 UTC 2013" (Java).
std::optional<double> ParseAsctime(std::string_view text) {
  Scanner scan(text);
  Date date{};
  TimeOfDay time;
  int64_t zone = 0;
  ScanWeekday(&scan);
  if (!scan.MonthName(&date.month)) return std::nullopt;
  scan.Spaces();
  if (!ScanOneOrTwoDigits(&scan, &date.day) || !scan.OneOf(" ") || !ScanTimeOfDay(&scan, &time) ||
      !ScanZone(&scan, &zone)) {
    return std::nullopt;
  }
  scan.Spaces();
  if (!scan.Digits(4, &date.year) || !scan.AtEnd()) return std::nullopt;
  return UnixTime(date, time, zone);
}

// "1369353600", "1369353600.5", "1.3693536E9": seconds since 1970.
std::optional<double> ParseSeconds(std::string_view text) {
  Scanner scan(text);
  const double sign = scan.OneOf("-") ? -1 : 1;
  double value = 0;
  int64_t digit = 0;
  int64_t exponent = 0;
  int64_t decimals = 0;
  if (!scan.Digits(1, &digit)) return std::nullopt;
  do {
    value = value * 10 + static_cast<double>(digit);
  } while (scan.Digits(1, &digit));
  if (scan.OneOf(".")) {
    for (; scan.Digits(1, &digit); ++decimals) value = value * 10 + static_cast<double>(digit);
    if (decimals == 0) return std::nullopt;
  }
  if (scan.OneOf("eE")) {
    scan.OneOf("+");
    if (!ScanOneOrTwoDigits(&scan, &exponent)) return std::nullopt;
  }
  // One operation with an exact power of ten rounds only once.
  const auto scale = static_cast<double>(exponent - decimals);
  value = sign * (scale < 0 ? value / std::pow(10.0, -scale) : value * std::pow(10.0, scale));
  if (!scan.AtEnd() || !(value >= kFirstSecond && value < kAfterLastSecond)) return std::nullopt;
  return value;
}

}  // namespace

std::string FormatBasicIso8601(int64_t unix_seconds) {
  const Date date = DateOfDay(unix_seconds / kSecondsPerDay);
  const int64_t second_of_day = unix_seconds % kSecondsPerDay;
  std::string text;
  AppendDigits(date.year, 4, &text);
  AppendDigits(date.month, 2, &text);
  AppendDigits(date.day, 2, &text);
  text.push_back('T');
  AppendDigits(second_of_day / 3600, 2, &text);
  AppendDigits(second_of_day / 60 % 60, 2, &text);
  AppendDigits(second_of_day % 60, 2, &text);
  text.push_back('Z');
  return text;
}

std::optional<double> ParseTime(std::string_view text) {
  for (const auto parse : {&ParseIso8601, &ParseRfc1123, &ParseSeconds, &ParseAsctime}) {
    if (const std::optional<double> time = parse(text)) return time;
  }
  return std::nullopt;
}

}  // namespace objectpipes
