#include "base/utc_time.h"

#include <gtest/gtest.h>

namespace objectpipes {
namespace {

constexpr int64_t kMay24 = 1369353600;  // 2013-05-24T00:00:00Z

TEST(FormatBasicIso8601, WritesWhatSignaturesCarry) {
  EXPECT_EQ(FormatBasicIso8601(kMay24), "20130524T000000Z");
  EXPECT_EQ(FormatBasicIso8601(kMay24 + 86399), "20130524T235959Z");
  EXPECT_EQ(FormatBasicIso8601(0), "19700101T000000Z");
  EXPECT_EQ(FormatBasicIso8601(951782400), "20000229T000000Z");
  EXPECT_EQ(FormatBasicIso8601(4107542400), "21000301T000000Z");
}

TEST(ParseTime, ReadsEveryFormThatServersWrite) {
  for (const char* text : {
           "2013-05-24T00:00:00Z",
           "20130524T000000Z",
           "2013-05-24T00:00:00.000Z",
           "2013-05-24t00:00:00z",
           "2013-05-24T00:00:00",
           "2013-05-24T00:00:00,0",
           "2013-05-24 00:00:00",
           "2013-05-24 00:00:00 UTC",
           "2013-05-24T00:00Z",
           "2013-05-24",
           "2013-05-24T00:00:00+00:00",
           "2013-05-24T02:00:00+02:00",
           "2013-05-24T02:00:00+0200",
           "2013-05-24 02:00:00 +02",
           "2013-05-23T18:30:00-05:30",
           "Fri, 24 May 2013 00:00:00 GMT",
           "Fri, 24 May 2013 00:00:00",
           "Fri, 24 May 2013 02:00:00 +0200",
           "24 May 2013 00:00 GMT",
           "Friday, 24-May-13 00:00:00 GMT",
           "Fri May 24 00:00:00 2013",
           "Fri May 24 00:00:00 UTC 2013",
           "1369353600",
           "1369353600.0",
           "1.3693536E9",
       }) {
    EXPECT_EQ(ParseTime(text), kMay24) << text;
  }
}

TEST(ParseTime, KeepsFractions) {
  EXPECT_DOUBLE_EQ(ParseTime("2013-05-24T00:00:00.125Z").value(), kMay24 + 0.125);
  EXPECT_NEAR(ParseTime("2013-05-24T00:00:00.123456789Z").value(), kMay24 + 0.123456789, 1e-6);
  EXPECT_DOUBLE_EQ(ParseTime("1369353600.125").value(), kMay24 + 0.125);
}

TEST(ParseTime, ReadsTheEdgesOfTheCalendar) {
  EXPECT_EQ(ParseTime("1969-12-31T23:59:59Z"), -1);
  EXPECT_EQ(ParseTime("-1"), -1);
  EXPECT_EQ(ParseTime("0001-01-01T00:00:00Z"), -62135596800);
  EXPECT_EQ(ParseTime("Tue, 29 Feb 2000 23:59:59 GMT"), 951868799);
  EXPECT_EQ(ParseTime("Wed, 1 Mar 2000 00:00:00 GMT"), 951868800);
  EXPECT_EQ(ParseTime("Sun, 01 Jan 1995 00:00:00 GMT"), 788918400);
}

TEST(ParseTime, IsTheInverseOfFormattingForEveryDayOfFourCenturies) {
  for (int64_t day = 0; day < 146097; ++day) {
    const int64_t seconds = day * 86400 + day % 86400;
    ASSERT_EQ(ParseTime(FormatBasicIso8601(seconds)), static_cast<double>(seconds)) << day;
  }
}

TEST(ParseTime, RefusesWhatIsNoTime) {
  for (const char* text : {
           "",
           "yesterday",
           "2013-05",
           "2013-05-24T",
           "2013-05-24T00:00:00.Z",
           "2013-05-24T00:00:00 CET",
           "2013-05-24T00:00:00+2",
           "2013-05-24T00:00:00+02:",
           "2013-05-24T00:00:00+99:00",
           "2013-13-24T00:00:00Z",
           "2013-00-24T00:00:00Z",
           "2013-05-32T00:00:00Z",
           "2013-02-29T00:00:00Z",
           "2013-05-24T24:00:00Z",
           "2013-05-24T00:60:00Z",
           "2013-0524T00:00:00Z",
           "2013-05-24T00:00:00Zx",
           "+013-05-24T00:00:00Z",
           "Fri",
           "Fri, ",
           "Fri, 24 Mai 2013 00:00:00 GMT",
           "Fri, 24 May 2013 00:00:00 CET",
           "Fri May 24 00:00:00",
           "1369353600000",  // milliseconds
           "1e99",
           "1.",
           "nan",
           "inf",
       }) {
    EXPECT_EQ(ParseTime(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace objectpipes
