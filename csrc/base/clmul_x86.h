// Carry-less multiplication on x86_64 (PCLMULQDQ). See base/crc_fold.cc, its only user.
#pragma once

#include <cstdint>

#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#include <immintrin.h>
#endif

// Allows the instruction in single functions only: the library must also run on a CPU without it.
#if defined(__GNUC__) || defined(__clang__)
#define OBJECTPIPES_CLMUL __attribute__((target("pclmul")))
#else
#define OBJECTPIPES_CLMUL  // MSVC compiles any intrinsic anywhere
#endif

namespace objectpipes::clmul {

// Asks the CPU itself: __builtin_cpu_supports() reads a table that not every runtime library fills.
inline bool Detect() {
  constexpr unsigned kPclmulqdq = 1U << 1;  // of ECX, function 1 (Intel's manual, CPUID)
#if defined(_MSC_VER)
  int registers[4];
  __cpuid(registers, 1);
  return (static_cast<unsigned>(registers[2]) & kPclmulqdq) != 0;
#else
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & kPclmulqdq) != 0;
#endif
}

using Block = __m128i;

OBJECTPIPES_CLMUL inline Block MakeBlock(uint64_t low, uint64_t high) {
  return _mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(low));
}

OBJECTPIPES_CLMUL inline Block Load(const uint8_t* bytes) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

OBJECTPIPES_CLMUL inline void Store(Block block, uint8_t* bytes) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), block);
}

OBJECTPIPES_CLMUL inline Block Xor(Block a, Block b) { return _mm_xor_si128(a, b); }

OBJECTPIPES_CLMUL inline Block MultiplyLow(Block a, Block b) {
  return _mm_clmulepi64_si128(a, b, 0x00);
}

OBJECTPIPES_CLMUL inline Block MultiplyHigh(Block a, Block b) {
  return _mm_clmulepi64_si128(a, b, 0x11);
}

}  // namespace objectpipes::clmul
