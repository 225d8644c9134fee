#include "base/crc.h"

#include <array>

#include "base/crc_fold.h"
#include "base/gf2.h"

namespace objectpipes {
namespace {

// tables[k][byte] is the remainder of a byte that k more bytes follow: byte * x^(8(k+1)) mod P.
// Eight tables advance a CRC by eight bytes with independent lookups ("slicing by 8").
using Tables = std::array<std::array<uint64_t, 256>, 8>;

constexpr Tables MakeTables(uint64_t generator) {
  Tables tables{};
  for (size_t byte = 0; byte < 256; ++byte) {
    uint64_t value = byte;
    for (auto& table : tables) {
      for (int bit = 0; bit < 8; ++bit) value = gf2::TimesX(value, generator);
      table[byte] = value;
    }
  }
  return tables;
}

struct Algorithm {
  uint64_t generator;
  uint64_t inversion;  // of the value, before the first byte and after the last
  FoldKeys fold_keys;
  Tables tables;
};

constexpr Algorithm MakeAlgorithm(uint64_t generator, uint64_t inversion) {
  return {generator, inversion, MakeFoldKeys(generator), MakeTables(generator)};
}

constexpr Algorithm kCrc32 = MakeAlgorithm(0xEDB88320, 0xFFFFFFFF);
constexpr Algorithm kCrc32c = MakeAlgorithm(0x82F63B78, 0xFFFFFFFF);
constexpr Algorithm kCrc64Nvme = MakeAlgorithm(0x9A6C9329AC4BC9B5, 0xFFFFFFFFFFFFFFFF);

const Algorithm& AlgorithmOf(CrcKind kind) {
  switch (kind) {
    case CrcKind::kCrc32:
      return kCrc32;
    case CrcKind::kCrc32c:
      return kCrc32c;
    case CrcKind::kCrc64Nvme:
      break;
  }
  return kCrc64Nvme;
}

// Compilers turn this into one load. It also works on a big-endian machine.
uint64_t LoadLittleEndian(const uint8_t* p) {
  return uint64_t{p[0]} | uint64_t{p[1]} << 8 | uint64_t{p[2]} << 16 | uint64_t{p[3]} << 24 |
         uint64_t{p[4]} << 32 | uint64_t{p[5]} << 40 | uint64_t{p[6]} << 48 | uint64_t{p[7]} << 56;
}

// Takes and returns the bare remainder, without inversion.
uint64_t ExtendByTable(const Tables& tables, uint64_t crc, const uint8_t* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) {
    crc ^= LoadLittleEndian(data);
    crc = tables[7][crc & 0xFF] ^ tables[6][(crc >> 8) & 0xFF] ^ tables[5][(crc >> 16) & 0xFF] ^
          tables[4][(crc >> 24) & 0xFF] ^ tables[3][(crc >> 32) & 0xFF] ^
          tables[2][(crc >> 40) & 0xFF] ^ tables[1][(crc >> 48) & 0xFF] ^ tables[0][crc >> 56];
  }
  for (; size != 0; ++data, --size) crc = (crc >> 8) ^ tables[0][(crc ^ *data) & 0xFF];
  return crc;
}

}  // namespace

uint64_t ExtendCrc(CrcKind kind, uint64_t crc, const void* data, size_t size) {
  static const bool can_fold = DetectFolding();
  if (!can_fold || size < kFoldStride) return ExtendCrcByTable(kind, crc, data, size);

  const Algorithm& algorithm = AlgorithmOf(kind);
  const auto* bytes = static_cast<const uint8_t*>(data);
  const size_t tail = size % kFoldBlock;
  uint8_t folded[kFoldBlock];
  Fold(algorithm.fold_keys, crc ^ algorithm.inversion, bytes, size - tail, folded);
  const uint64_t remainder = ExtendByTable(algorithm.tables, 0, folded, kFoldBlock);
  return ExtendByTable(algorithm.tables, remainder, bytes + size - tail, tail) ^
         algorithm.inversion;
}

uint64_t ExtendCrcByTable(CrcKind kind, uint64_t crc, const void* data, size_t size) {
  const Algorithm& algorithm = AlgorithmOf(kind);
  const auto* bytes = static_cast<const uint8_t*>(data);
  return ExtendByTable(algorithm.tables, crc ^ algorithm.inversion, bytes, size) ^
         algorithm.inversion;
}

}  // namespace objectpipes
