#include "base/uri.h"

#include <gtest/gtest.h>

#include <string>

namespace objectpipes {
namespace {

std::string AllBytes() {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes.push_back(static_cast<char>(c));
  return bytes;
}

TEST(UriEncode, KeepsUnreservedOnly) {
  EXPECT_EQ(UriEncode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(UriEncode("a b+c/d%e=f*'()!"), "a%20b%2Bc%2Fd%25e%3Df%2A%27%28%29%21");
  EXPECT_EQ(UriEncode("\xC3\xA9\n"), "%C3%A9%0A");
  EXPECT_EQ(UriEncode(""), "");
}

TEST(UriEncode, PathKeepsSlashesAndNeverNormalises) {
  EXPECT_EQ(UriEncodePath("a//b/../c/./d/"), "a//b/../c/./d/");
  EXPECT_EQ(UriEncodePath("/a b?c#d"), "/a%20b%3Fc%23d");
}

TEST(UriDecode, IsTheInverseOfEncodingForEveryByte) {
  EXPECT_EQ(UriDecode(UriEncode(AllBytes())).value(), AllBytes());
  EXPECT_EQ(UriDecode(UriEncodePath(AllBytes()), Plus::kSpace).value(), AllBytes());
}

TEST(UriDecode, AcceptsBothCasesOfHexDigits) { EXPECT_EQ(UriDecode("%c3%A9").value(), "\xC3\xA9"); }

TEST(UriDecode, PlusIsASpaceOnlyInForms) {
  EXPECT_EQ(UriDecode("a+b%2B").value(), "a+b+");
  EXPECT_EQ(UriDecode("+a+b%2B", Plus::kSpace).value(), " a b+");
}

TEST(UriDecode, RejectsWhatIsNotPercentEncoding) {
  for (const char* text : {"%", "a%", "%4", "%4g", "%g4", "%%41", "% 41", "a%2"}) {
    EXPECT_EQ(UriDecode(text).status().code(), StatusCode::kInvalidArgument) << text;
    EXPECT_FALSE(UriDecode(text, Plus::kSpace).ok()) << text;
  }
}

TEST(UriDecode, AppendsToWhatIsThere) {
  std::string out = "s3://";
  ASSERT_TRUE(AppendUriDecoded("b%2Fk", Plus::kLiteral, &out));
  EXPECT_EQ(out, "s3://b/k");
}

TEST(CanonicalQuery, SortsByEncodedNameThenValue) {
  EXPECT_EQ(CanonicalQuery({{"prefix", "a+b/c d"}, {"list-type", "2"}, {"delimiter", "/"}}),
            "delimiter=%2F&list-type=2&prefix=a%2Bb%2Fc%20d");
  EXPECT_EQ(CanonicalQuery({{"a", "2"}, {"a", "10"}}), "a=10&a=2");
  // Raw, 'é' sorts after 'z'; encoded, '%' sorts before it.
  EXPECT_EQ(CanonicalQuery({{"z", ""}, {"\xC3\xA9", ""}}), "%C3%A9=&z=");
}

TEST(CanonicalQuery, WritesTheEqualsSignOfAParameterWithoutValue) {
  EXPECT_EQ(CanonicalQuery({{"lifecycle", ""}}), "lifecycle=");
  EXPECT_EQ(CanonicalQuery({}), "");
}

}  // namespace
}  // namespace objectpipes
