// Polynomials over GF(2), of which CRCs are made: bits are coefficients, and addition is XOR.
//
// The CRCs of this project are "reflected": the first bit of a message is the lowest bit of its
// first byte and the highest power of x. So bit i of a uint64_t stands for x^(63 - i) here: 1 << 63
// is the polynomial 1, and shifting right multiplies by x.
//
// Everything is modulo a generator of degree 64, written without its leading term. That covers
// CRC-32, too: its generator P of degree 32 becomes P * x^32. Its remainders are (M * x^64) mod (P
// * x^32)  =  x^32 * (M * x^32 mod P), the 32-bit CRC in the low half of the word, and P * x^32 is
// written as the same number as P.
#pragma once

#include <cstdint>

namespace objectpipes::gf2 {

inline constexpr uint64_t kOne = uint64_t{1} << 63;
inline constexpr uint64_t kX = kOne >> 1;

constexpr uint64_t TimesX(uint64_t a, uint64_t generator) {
  return (a >> 1) ^ ((a & 1) != 0 ? generator : 0);
}

constexpr uint64_t Multiply(uint64_t a, uint64_t b, uint64_t generator) {
  uint64_t product = 0;
  for (; a != 0; a <<= 1) {  // the terms of a, from 1 upwards
    product ^= (a & kOne) != 0 ? b : 0;
    b = TimesX(b, generator);
  }
  return product;
}

constexpr uint64_t Power(uint64_t base, uint64_t exponent, uint64_t generator) {
  uint64_t power = kOne;
  for (; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) power = Multiply(power, base, generator);
    base = Multiply(base, base, generator);
  }
  return power;
}

}  // namespace objectpipes::gf2
