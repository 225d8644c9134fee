// Carry-less multiplication on aarch64 (PMULL). See base/crc_fold.cc, its only user.
#pragma once

#include <arm_neon.h>

#include <cstdint>

#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

// Allows the instruction in single functions only: the library must also run on a CPU without it.
#if defined(__ARM_FEATURE_AES)
#define OBJECTPIPES_CLMUL  // allowed everywhere, as on every Apple CPU
#else
#define OBJECTPIPES_CLMUL __attribute__((target("+crypto")))
#endif

namespace objectpipes::clmul {

inline bool Detect() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0;
#else
  return true;
#endif
}

using Block = uint64x2_t;

OBJECTPIPES_CLMUL inline Block MakeBlock(uint64_t low, uint64_t high) {
  return vcombine_u64(vcreate_u64(low), vcreate_u64(high));
}

OBJECTPIPES_CLMUL inline Block Load(const uint8_t* bytes) {
  return vreinterpretq_u64_u8(vld1q_u8(bytes));
}

OBJECTPIPES_CLMUL inline void Store(Block block, uint8_t* bytes) {
  vst1q_u8(bytes, vreinterpretq_u8_u64(block));
}

OBJECTPIPES_CLMUL inline Block Xor(Block a, Block b) { return veorq_u64(a, b); }

OBJECTPIPES_CLMUL inline Block MultiplyLow(Block a, Block b) {
  return vreinterpretq_u64_p128(vmull_p64(vgetq_lane_p64(vreinterpretq_p64_u64(a), 0),
                                          vgetq_lane_p64(vreinterpretq_p64_u64(b), 0)));
}

OBJECTPIPES_CLMUL inline Block MultiplyHigh(Block a, Block b) {
  return vreinterpretq_u64_p128(vmull_high_p64(vreinterpretq_p64_u64(a), vreinterpretq_p64_u64(b)));
}

}  // namespace objectpipes::clmul
