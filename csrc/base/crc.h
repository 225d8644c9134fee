// The three cyclic redundancy checks that object stores use, at memory speed.
//
// Arguments and results are finished values, as in zlib: start from 0, feed the result of one call
// into the next. A 32-bit CRC is in the low half.
#pragma once

#include <cstddef>
#include <cstdint>

namespace objectpipes {

enum class CrcKind : uint8_t {
  kCrc32,      // ISO-HDLC: zlib, Ethernet
  kCrc32c,     // Castagnoli: iSCSI
  kCrc64Nvme,  // NVM Express; S3 adds it by itself
};

// The CRC of some bytes followed by `data`, given the CRC of those bytes.
uint64_t ExtendCrc(CrcKind kind, uint64_t crc, const void* data, size_t size);

// The same by tables alone. ExtendCrc() uses it on a CPU without carry-less multiplication.
uint64_t ExtendCrcByTable(CrcKind kind, uint64_t crc, const void* data, size_t size);

}  // namespace objectpipes
