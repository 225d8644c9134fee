#include "base/encoding.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace objectpipes {
namespace {

using namespace std::string_view_literals;

std::string EveryByte() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  return bytes;
}

TEST(HexTest, EncodesInLowerCaseWithLeadingZeros) {
  EXPECT_EQ(HexEncode(""), "");
  EXPECT_EQ(HexEncode("\x00\x0F\xAB\xFF"sv), "000fabff");
}

TEST(HexTest, DecodesWhatItEncodesInEitherCase) {
  EXPECT_EQ(HexDecode(HexEncode(EveryByte())).value(), EveryByte());
  EXPECT_EQ(HexDecode("aBCd09").value(), "\xAB\xCD\x09");
  EXPECT_EQ(HexDecode("").value(), "");
}

TEST(HexTest, RefusesAnythingElse) {
  for (const std::string_view text : {"a"sv, "abc"sv, "0x"sv, "0g"sv, " 0"sv, "0 "sv, "+1"sv,
                                      "-1"sv, "/0"sv, ":0"sv, "@0"sv, "`0"sv, "G0"sv, "0\0"sv}) {
    const Result<std::string> bytes = HexDecode(text);
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_EQ(bytes.status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(Base64Test, MatchesTheVectorsOfRfc4648) {
  const struct {
    std::string_view bytes;
    std::string_view text;
  } kVectors[] = {{"", ""},
                  {"f", "Zg=="},
                  {"fo", "Zm8="},
                  {"foo", "Zm9v"},
                  {"foob", "Zm9vYg=="},
                  {"fooba", "Zm9vYmE="},
                  {"foobar", "Zm9vYmFy"},
                  {"\xFB\xFF\xBF", "+/+/"}};
  for (const auto& vector : kVectors) {
    EXPECT_EQ(Base64Encode(vector.bytes), vector.text);
    EXPECT_EQ(Base64Decode(vector.text).value(), vector.bytes);
  }
}

TEST(Base64Test, DecodesWhatItEncodesAtAnyLength) {
  const std::string bytes = EveryByte();
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const std::string_view some(bytes.data(), size);
    EXPECT_EQ(Base64Decode(Base64Encode(some)).value(), some);
  }
}

TEST(Base64Test, RefusesWhatIsNotExactlyAnEncoding) {
  for (const std::string_view text : {
           "Z"sv,        "Zg"sv,       "Zg="sv,                 // too short
           "Zh=="sv,     "Zm9="sv,                              // bits where the padding is
           "===="sv,     "Z==="sv,     "=AAA"sv,     "A=AA"sv,  // padding in the wrong place
           "Zg==Zg=="sv, "Zm8=AAAA"sv, "Zm9v===="sv,            // padding before the end, too much
           " Zg="sv,     "Zg==\n"sv,   "    Zm9v"sv, "Zm9v    "sv, "Zm9v\n\n\n\n"sv,  // white space
           "Zm-v"sv,     "Zm_v"sv,     "Zm9\0"sv,    "Zm9\xFF"sv,  "Zm9*"sv,  // other characters
       }) {
    const Result<std::string> bytes = Base64Decode(text);
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_EQ(bytes.status().code(), StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace objectpipes
