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

TEST(ParseIso8601, ReadsBothForms) {
  EXPECT_EQ(ParseIso8601("2013-05-24T00:00:00Z"), kMay24);
  EXPECT_EQ(ParseIso8601("2013-05-24T00:00:00+00:00"), kMay24);
  EXPECT_EQ(ParseIso8601("20130524T000000Z"), kMay24);
  EXPECT_DOUBLE_EQ(ParseIso8601("2013-05-24T00:00:00.125Z").value(), kMay24 + 0.125);
  EXPECT_NEAR(ParseIso8601("2013-05-24T00:00:00.123456789Z").value(), kMay24 + 0.123456789, 1e-6);
  EXPECT_EQ(ParseIso8601("1969-12-31T23:59:59Z"), -1);
}

TEST(ParseIso8601, IsTheInverseOfFormattingForEveryDayOfFourCenturies) {
  for (int64_t day = 0; day < 146097; ++day) {
    const int64_t seconds = day * 86400 + day % 86400;
    ASSERT_EQ(ParseIso8601(FormatBasicIso8601(seconds)), static_cast<double>(seconds)) << day;
  }
}

TEST(ParseIso8601, RefusesAnythingElse) {
  for (const char* text :
       {"", "2013", "2013-05-24", "2013-05-24T00:00:00", "2013-05-24T00:00:00.Z",
        "2013-05-24T00:00:00+02:00", "2013-13-24T00:00:00Z", "2013-00-24T00:00:00Z",
        "2013-05-32T00:00:00Z", "2013-05-24T24:00:00Z", "2013-05-24T00:60:00Z",
        "2013-0524T00:00:00Z", "2013-05-24T00:00:00Zx", "2013-05-24 00:00:00Z",
        "+013-05-24T00:00:00Z", "Fri, 24 May 2013 00:00:00 GMT"}) {
    EXPECT_EQ(ParseIso8601(text), std::nullopt) << text;
  }
}

TEST(ParseHttpDate, ReadsImfFixdate) {
  EXPECT_EQ(ParseHttpDate("Fri, 24 May 2013 00:00:00 GMT"), kMay24);
  EXPECT_EQ(ParseHttpDate("Tue, 29 Feb 2000 23:59:59 GMT"), 951868799);
}

TEST(ParseHttpDate, RefusesAnythingElse) {
  for (const char* text :
       {"", "Fri", "Fri, ", "Fri, 24 Mai 2013 00:00:00 GMT", "Fri, 24 May 2013 00:00:00",
        "Fri, 24 May 2013 00:00:00 CET", "Fri, 4 May 2013 00:00:00 GMT", "2013-05-24T00:00:00Z"}) {
    EXPECT_EQ(ParseHttpDate(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace objectpipes
