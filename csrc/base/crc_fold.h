// Shrinks a message to 16 bytes with the same CRC, by carry-less multiplication.
//
// After Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction"
// (Intel, 2009), in its reflected form; base/gf2.h explains how bits are polynomials.
//
// Take a block A of 128 bits that lies n bits ahead of a block B in the message. Together they are
// the polynomial A * x^n + B, and a CRC is only its remainder modulo P. So A can be removed if
// something congruent to A * x^n is added to B: the message gets shorter and its CRC stays the
// same. With L and H the halves of A as loaded from memory, L the earlier one and so the one of
// higher powers,
//
// A * x^n  =  L * x^(n+64) + H * x^n  =  L * (x^(n+64) mod P) + H * (x^n mod P)    (mod P):
//
// two products of 64 bits by 64, which are as long as B.
//
// In the reflected form, bit i of a word is x^(63-i), so bits i and j multiply to x^(126-i-j), and
// the CPU puts that into bit i + j of the product. But bit k of a block stands for x^(127-k): the
// product is too large by a factor of x, so the constants are one power lower.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/gf2.h"

namespace objectpipes {

// The constants for one distance, each named after the half it multiplies as loaded from memory.
struct FoldKey {
  uint64_t low;
  uint64_t high;
};

constexpr FoldKey MakeFoldKey(uint64_t distance_bits, uint64_t generator) {
  return {gf2::Power(gf2::kX, distance_bits + 64 - 1, generator),
          gf2::Power(gf2::kX, distance_bits - 1, generator)};
}

inline constexpr size_t kFoldBlock = 16;
inline constexpr size_t kFoldLanes = 4;  // independent chains, which hide the multiplier's latency
inline constexpr size_t kFoldStride = kFoldLanes * kFoldBlock;

struct FoldKeys {
  FoldKey over_block;   // from a block to the next
  FoldKey over_stride;  // from a block to the next of its lane
};

constexpr FoldKeys MakeFoldKeys(uint64_t generator) {
  return {MakeFoldKey(8 * kFoldBlock, generator), MakeFoldKey(8 * kFoldStride, generator)};
}

// Whether this build and this CPU can fold. Slow: keep the answer.
bool DetectFolding();

// Writes 16 bytes to `folded`. Their CRC, started at 0, is that of `data` started at `crc`; both
// values are without inversion. Preconditions: DetectFolding(); `size` is a multiple of kFoldBlock
// and at least kFoldStride.
void Fold(const FoldKeys& keys, uint64_t crc, const uint8_t* data, size_t size,
          uint8_t (&folded)[kFoldBlock]);

}  // namespace objectpipes
