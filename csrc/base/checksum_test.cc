#include "base/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/encoding.h"

namespace objectpipes {
namespace {

static_assert(std::is_nothrow_move_constructible_v<Checksum>);
static_assert(std::is_nothrow_move_assignable_v<Checksum>);
static_assert(!std::is_copy_constructible_v<Checksum>);

struct Vector {
  ChecksumType type;
  std::string_view of_nothing;
  std::string_view of_digits;  // "123456789"
};

constexpr Vector kVectors[] = {
    {ChecksumType::kNone, "", ""},
    {ChecksumType::kCrc32, "00000000", "cbf43926"},
    {ChecksumType::kCrc32c, "00000000", "e3069283"},
    {ChecksumType::kCrc64Nvme, "0000000000000000", "ae8b14860a799888"},
    {ChecksumType::kMd5, "d41d8cd98f00b204e9800998ecf8427e", "25f9e794323b453885f5181f1b624d0b"},
    {ChecksumType::kSha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709",
     "f7c3bc1d808e04732adf679965ccc34ca7ae3441"},
    {ChecksumType::kSha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"},
    {ChecksumType::kSha512,
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
     "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
     "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274a"
     "d27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85"},
    {ChecksumType::kXxh64, "ef46db3751d8e999", "8cb841db40e6ae83"},
    {ChecksumType::kXxh3, "2d06800538d394c2", "72dcb18b67a17dff"},
    {ChecksumType::kXxh128, "99aa06d3014798d86001c324468d497f", "33119477ede5dcd5e9716427681d5860"},
};

std::string HexOf(ChecksumType type, std::string_view bytes) {
  Checksum checksum(type);
  checksum.Update(bytes.data(), bytes.size());
  return HexEncode(checksum.Finish());
}

std::string Text(size_t size) {
  std::string text(size, '\0');
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * i % 25);
  return text;
}

class ChecksumTest : public testing::TestWithParam<Vector> {
 protected:
  void SetUp() override {
    if (!Checksum::Available(type())) GTEST_SKIP() << "this OpenSSL does not offer it";
  }
  static ChecksumType type() { return GetParam().type; }
};

INSTANTIATE_TEST_SUITE_P(, ChecksumTest, testing::ValuesIn(kVectors),
                         [](const testing::TestParamInfo<Vector>& test) {
                           return std::string(ChecksumName(test.param.type));
                         });

TEST_P(ChecksumTest, MatchesKnownDigests) {
  EXPECT_EQ(HexEncode(Checksum(type()).Finish()), GetParam().of_nothing);
  EXPECT_EQ(HexOf(type(), ""), GetParam().of_nothing);
  EXPECT_EQ(HexOf(type(), "123456789"), GetParam().of_digits);
}

TEST_P(ChecksumTest, DoesNotDependOnHowTheBytesArrive) {
  const std::string text = Text(10'000);
  const std::string expected = HexOf(type(), text);
  for (const size_t piece : {1u, 7u, 63u, 64u, 65u, 1000u, 4096u}) {
    Checksum checksum(type());
    for (size_t begin = 0; begin < text.size(); begin += piece) {
      checksum.Update(text.data() + begin, std::min(piece, text.size() - begin));
    }
    EXPECT_EQ(HexEncode(checksum.Finish()), expected) << piece;
  }
}

TEST_P(ChecksumTest, MovesInTheMiddle) {
  Checksum first(type());
  first.Update("1234", 4);
  Checksum second(std::move(first));
  second.Update("567", 3);
  Checksum third(ChecksumType::kNone);
  third = std::move(second);
  third.Update("89", 2);
  EXPECT_EQ(HexEncode(third.Finish()), GetParam().of_digits);
}

TEST_P(ChecksumTest, IsParsedFromItsName) {
  EXPECT_EQ(ParseChecksumType(ChecksumName(type())), type());
}

TEST(ChecksumTypeTest, BothNamesOfAIStoreMeanXxh64) {
  EXPECT_EQ(ParseChecksumType("xxhash"), ChecksumType::kXxh64);
  EXPECT_EQ(ParseChecksumType("xxhash2"), ChecksumType::kXxh64);
}

TEST(ChecksumTypeTest, UnknownNamesAreNoType) {
  for (const std::string_view name : {"", "crc", "CRC32", "crc32 ", "sha3", "xxhash3_64"}) {
    EXPECT_EQ(ParseChecksumType(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace objectpipes
