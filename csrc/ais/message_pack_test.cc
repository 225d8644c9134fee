#include "ais/message_pack.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace objectpipes::ais {
namespace {

using std::string_literals::operator""s;

// Every kind of value that is neither an integer nor text nor a container, each with what is in it.
const std::string kOthers[] = {
    "\xC0"s,                      // nil
    "\xC2"s,                      // false
    "\xC3"s,                      // true
    "\xC4\x02xx"s,                // bin 8, 16, 32
    "\xC5\0\x02xx"s,              //
    "\xC6\0\0\0\x02xx"s,          //
    "\xC7\x02\x01xx"s,            // ext 8, 16, 32
    "\xC8\0\x02\x01xx"s,          //
    "\xC9\0\0\0\x02\x01xx"s,      //
    "\xCAxxxx"s,                  // float 32, 64
    "\xCBxxxxxxxx"s,              //
    "\xD4\x01x"s,                 // fixext 1, 2, 4, 8, 16
    "\xD5\x01xx"s,                //
    "\xD6\x01xxxx"s,              //
    "\xD7\x01xxxxxxxx"s,          //
    "\xD8\x01xxxxxxxxxxxxxxxx"s,  //
};

TEST(MessagePackReader, ReadsIntegersOfEverySize) {
  const struct {
    std::string bytes;
    int64_t value;
  } kCases[] = {
      {"\0"s, 0},
      {"\x7F"s, 127},
      {"\xFF"s, -1},
      {"\xE0"s, -32},
      {"\xCC\xFF"s, 255},
      {"\xCD\xFF\xFE"s, 65534},
      {"\xCE\xFF\xFF\xFF\xFE"s, 4294967294},
      {"\xCF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"s, std::numeric_limits<int64_t>::max()},
      {"\xD0\x80"s, -128},
      {"\xD0\x7F"s, 127},
      {"\xD1\x80\0"s, -32768},
      {"\xD1\x01\0"s, 256},
      {"\xD2\x80\0\0\0"s, -2147483648LL},
      {"\xD3\x80\0\0\0\0\0\0\0"s, std::numeric_limits<int64_t>::min()},
      {"\xD3\0\0\0\x01\0\0\0\0"s, 4294967296},
  };
  for (const auto& [bytes, expected] : kCases) {
    MessagePackReader in(bytes);
    int64_t value = 0;
    EXPECT_TRUE(in.ReadInteger(&value)) << expected;
    EXPECT_EQ(value, expected);
    EXPECT_TRUE(in.at_end());
  }
}

TEST(MessagePackReader, RefusesAnIntegerOfTooManyBits) {
  int64_t value = 0;
  EXPECT_FALSE(MessagePackReader("\xCF\x80\0\0\0\0\0\0\0"s).ReadInteger(&value));
}

TEST(MessagePackReader, ReadsTextOfEverySize) {
  for (const std::string& head : {"\xA3"s, "\xD9\x03"s, "\xDA\0\x03"s, "\xDB\0\0\0\x03"s}) {
    const std::string bytes = head + "a\0b"s;
    MessagePackReader in(bytes);
    std::string_view text;
    EXPECT_TRUE(in.ReadText(&text));
    EXPECT_EQ(text, "a\0b"s);
    EXPECT_TRUE(in.at_end());
  }
}

TEST(MessagePackReader, ReadsContainersOfEverySize) {
  uint64_t count = 0;
  for (const std::string& bytes : {"\x92"s, "\xDC\0\x02"s, "\xDD\0\0\0\x02"s}) {
    count = 0;
    EXPECT_TRUE(MessagePackReader(bytes).ReadArray(&count));
    EXPECT_EQ(count, 2U);
    EXPECT_FALSE(MessagePackReader(bytes).ReadMap(&count));
  }
  for (const std::string& bytes : {"\x82"s, "\xDE\0\x02"s, "\xDF\0\0\0\x02"s}) {
    count = 0;
    EXPECT_TRUE(MessagePackReader(bytes).ReadMap(&count));
    EXPECT_EQ(count, 2U);
    EXPECT_FALSE(MessagePackReader(bytes).ReadArray(&count));
  }
}

TEST(MessagePackReader, SkipsOneValueOfAnyKind) {
  for (const std::string& other : kOthers) {
    const std::string bytes = other + "\x07";
    MessagePackReader reader(bytes);
    int64_t value = 0;
    EXPECT_TRUE(reader.Skip());
    EXPECT_TRUE(reader.ReadInteger(&value));
    EXPECT_EQ(value, 7);
  }
}

TEST(MessagePackReader, SkipsContainersWithAllThatIsInThem) {
  const std::string bytes = "\xDC\0\x02\x81\xA1k\x93\x01\xC0\xD1\0\x01\x80\x07"s;
  MessagePackReader in(bytes);
  int64_t value = 0;
  EXPECT_TRUE(in.Skip());
  EXPECT_TRUE(in.ReadInteger(&value));
  EXPECT_EQ(value, 7);
}

TEST(MessagePackReader, RefusesAnotherKind) {
  uint64_t count = 0;
  int64_t value = 0;
  std::string_view text;
  for (const std::string& other : kOthers) {
    EXPECT_FALSE(MessagePackReader(other).ReadMap(&count));
    EXPECT_FALSE(MessagePackReader(other).ReadArray(&count));
    EXPECT_FALSE(MessagePackReader(other).ReadText(&text));
    EXPECT_FALSE(MessagePackReader(other).ReadInteger(&value));
  }
  EXPECT_FALSE(MessagePackReader("\x05").ReadText(&text));
  EXPECT_FALSE(MessagePackReader("\xA1x").ReadInteger(&value));
}

TEST(MessagePackReader, RefusesWhatIsCutOff) {
  uint64_t count = 0;
  std::string_view text;
  for (const std::string& other : kOthers) {
    for (size_t size = 0; size < other.size(); ++size) {
      EXPECT_FALSE(MessagePackReader(std::string_view(other).substr(0, size)).Skip());
    }
  }
  EXPECT_FALSE(MessagePackReader("\xA3xx").ReadText(&text));
  EXPECT_FALSE(MessagePackReader("\xDB\xFF\xFF\xFF\xFFxx").ReadText(&text));
  EXPECT_FALSE(MessagePackReader("\xDD\xFF\xFF\xFF").ReadArray(&count));
  EXPECT_FALSE(MessagePackReader("\xDD\xFF\xFF\xFF\xFF\x01").Skip());
}

TEST(MessagePackReader, RefusesTheByteThatIsNeverUsed) {
  EXPECT_FALSE(MessagePackReader("\xC1").Skip());
}

TEST(MessagePackReader, AnyDepthOfNestingIsSkipped) {
  const std::string nested(1'000'000, '\x91');
  EXPECT_TRUE(MessagePackReader(nested + "\x01").Skip());
  EXPECT_FALSE(MessagePackReader(nested).Skip());
}

}  // namespace
}  // namespace objectpipes::ais
