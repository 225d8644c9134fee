#include "base/crc.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/crc_fold.h"

namespace objectpipes {
namespace {

struct Definition {
  CrcKind kind;
  uint64_t generator;
  uint64_t inversion;
  uint64_t check;  // of "123456789", from the catalogue of parametrised CRC algorithms
};

constexpr Definition kDefinitions[] = {
    {CrcKind::kCrc32, 0xEDB88320, 0xFFFFFFFF, 0xCBF43926},
    {CrcKind::kCrc32c, 0x82F63B78, 0xFFFFFFFF, 0xE3069283},
    {CrcKind::kCrc64Nvme, 0x9A6C9329AC4BC9B5, 0xFFFFFFFFFFFFFFFF, 0xAE8B14860A799888},
};

// The definition, bit by bit.
uint64_t Reference(const Definition& definition, uint64_t crc, const uint8_t* data, size_t size) {
  crc ^= definition.inversion;
  for (size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * definition.generator);
  }
  return crc ^ definition.inversion;
}

std::vector<uint8_t> RandomBytes(size_t size) {
  std::mt19937 random(20240229);
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

class CrcTest : public testing::TestWithParam<Definition> {};

INSTANTIATE_TEST_SUITE_P(, CrcTest, testing::ValuesIn(kDefinitions),
                         [](const testing::TestParamInfo<Definition>& test) -> std::string {
                           switch (test.param.kind) {
                             case CrcKind::kCrc32:
                               return "Crc32";
                             case CrcKind::kCrc32c:
                               return "Crc32c";
                             case CrcKind::kCrc64Nvme:
                               break;
                           }
                           return "Crc64Nvme";
                         });

TEST_P(CrcTest, MatchesThePublishedCheckValue) {
  constexpr std::string_view kDigits = "123456789";
  EXPECT_EQ(ExtendCrc(GetParam().kind, 0, kDigits.data(), kDigits.size()), GetParam().check);
  EXPECT_EQ(ExtendCrcByTable(GetParam().kind, 0, kDigits.data(), kDigits.size()), GetParam().check);
}

TEST_P(CrcTest, NothingLeavesTheValueAlone) {
  EXPECT_EQ(ExtendCrc(GetParam().kind, 0, nullptr, 0), 0U);
  EXPECT_EQ(ExtendCrc(GetParam().kind, GetParam().check, nullptr, 0), GetParam().check);
}

TEST_P(CrcTest, EveryLengthAtEveryAlignmentMatchesTheDefinition) {
  constexpr uint64_t kSeed = 0x89ABCDEF;
  const std::vector<uint8_t> bytes = RandomBytes(320);
  for (size_t alignment = 0; alignment < 16; ++alignment) {
    const uint8_t* const data = bytes.data() + alignment;
    for (size_t size = 0; size <= 300; ++size) {
      const uint64_t expected = Reference(GetParam(), kSeed, data, size);
      ASSERT_EQ(ExtendCrc(GetParam().kind, kSeed, data, size), expected)
          << alignment << " " << size;
      ASSERT_EQ(ExtendCrcByTable(GetParam().kind, kSeed, data, size), expected)
          << alignment << " " << size;
    }
  }
}

TEST_P(CrcTest, FoldingAgreesWithTablesOnLongInput) {
  if (!DetectFolding()) GTEST_SKIP() << "this CPU or this build cannot fold";
  const std::vector<uint8_t> bytes = RandomBytes((size_t{1} << 20) + 300);
  for (size_t size = size_t{1} << 20; size < bytes.size(); size += 7) {
    ASSERT_EQ(ExtendCrc(GetParam().kind, 0, bytes.data(), size),
              ExtendCrcByTable(GetParam().kind, 0, bytes.data(), size))
        << size;
  }
}

TEST_P(CrcTest, AnySplitExtendsToTheWhole) {
  const CrcKind kind = GetParam().kind;
  const std::vector<uint8_t> bytes = RandomBytes(100'000);
  const uint64_t whole = ExtendCrc(kind, 0, bytes.data(), bytes.size());
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const size_t size_a = random() % (bytes.size() + 1);
    const size_t size_b = bytes.size() - size_a;
    const uint64_t crc_a = ExtendCrc(kind, 0, bytes.data(), size_a);
    ASSERT_EQ(ExtendCrc(kind, crc_a, bytes.data() + size_a, size_b), whole) << size_a;
  }
}

}  // namespace
}  // namespace objectpipes
