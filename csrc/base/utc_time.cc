#include "base/utc_time.h"

#include <array>

namespace objectpipes {
namespace {

constexpr int64_t kSecondsPerDay = 86400;

struct Date {
  int64_t year;
  int64_t month;  // 1-12
  int64_t day;    // 1-31
};

// Both conversions count in years that begin in March, so that the leap day comes last, and in eras
// of 400 years, which all have the same number of days.
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

// Reads a text from its front; every function is false when the text does not go on as asked.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool AtEnd() const { return text_.empty(); }

  bool Literal(std::string_view expected) {
    if (text_.substr(0, expected.size()) != expected) return false;
    text_.remove_prefix(expected.size());
    return true;
  }

  bool Digits(size_t width, int64_t* value) {
    if (text_.size() < width) return false;
    *value = 0;
    for (const char c : text_.substr(0, width)) {
      if (c < '0' || c > '9') return false;
      *value = *value * 10 + (c - '0');
    }
    text_.remove_prefix(width);
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
    constexpr std::array<std::string_view, 12> kNames = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (size_t i = 0; i < kNames.size(); ++i) {
      if (Literal(kNames[i])) {
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
  int64_t hour;
  int64_t minute;
  int64_t second;
};

std::optional<int64_t> UnixSeconds(const Date& date, const TimeOfDay& time) {
  const bool valid = date.month >= 1 && date.month <= 12 && date.day >= 1 && date.day <= 31 &&
                     time.hour <= 23 && time.minute <= 59 && time.second <= 60;  // a leap second
  if (!valid) return std::nullopt;
  return DaysSinceEpoch(date) * kSecondsPerDay + time.hour * 3600 + time.minute * 60 + time.second;
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

std::optional<double> ParseIso8601(std::string_view text) {
  Scanner scan(text);
  Date date{};
  TimeOfDay time{};
  double fraction = 0;
  if (!scan.Digits(4, &date.year)) return std::nullopt;
  const bool extended = scan.Literal("-");
  const std::string_view dash = extended ? "-" : "";
  const std::string_view colon = extended ? ":" : "";
  if (!scan.Digits(2, &date.month) || !scan.Literal(dash) || !scan.Digits(2, &date.day) ||
      !scan.Literal("T") || !scan.Digits(2, &time.hour) || !scan.Literal(colon) ||
      !scan.Digits(2, &time.minute) || !scan.Literal(colon) || !scan.Digits(2, &time.second)) {
    return std::nullopt;
  }
  if (scan.Literal(".") && !scan.Fraction(&fraction)) return std::nullopt;
  if (!scan.Literal("Z") && !scan.Literal("+00:00")) return std::nullopt;
  const std::optional<int64_t> seconds = UnixSeconds(date, time);
  if (!seconds || !scan.AtEnd()) return std::nullopt;
  return static_cast<double>(*seconds) + fraction;
}

std::optional<int64_t> ParseHttpDate(std::string_view text) {
  const size_t day_name_end = text.find(", ");
  if (day_name_end == std::string_view::npos) return std::nullopt;
  Scanner scan(text.substr(day_name_end + 2));
  Date date{};
  TimeOfDay time{};
  if (!scan.Digits(2, &date.day) || !scan.Literal(" ") || !scan.MonthName(&date.month) ||
      !scan.Literal(" ") || !scan.Digits(4, &date.year) || !scan.Literal(" ") ||
      !scan.Digits(2, &time.hour) || !scan.Literal(":") || !scan.Digits(2, &time.minute) ||
      !scan.Literal(":") || !scan.Digits(2, &time.second) || !scan.Literal(" GMT") ||
      !scan.AtEnd()) {
    return std::nullopt;
  }
  return UnixSeconds(date, time);
}

}  // namespace objectpipes
