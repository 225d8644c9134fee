#include "base/crc_fold.h"

#include <cassert>

// Both headers define Block, 16 bytes as they lie in memory, and the operations on it.
#if defined(__x86_64__) || defined(_M_X64)
#include "base/clmul_x86.h"
#elif defined(__aarch64__) && (defined(__linux__) || defined(__APPLE__)) && \
    (defined(__ARM_FEATURE_AES) || !defined(__clang__) || __clang_major__ >= 16)
#include "base/clmul_arm.h"  // before version 16, clang has PMULL only if all code may use it
#endif

namespace objectpipes {

#if defined(OBJECTPIPES_CLMUL)

namespace {

using clmul::Block;

OBJECTPIPES_CLMUL inline Block FoldOnto(Block a, Block key, Block b) {
  return clmul::Xor(clmul::Xor(clmul::MultiplyLow(a, key), clmul::MultiplyHigh(a, key)), b);
}

}  // namespace

bool DetectFolding() { return clmul::Detect(); }

OBJECTPIPES_CLMUL void Fold(const FoldKeys& keys, uint64_t crc, const uint8_t* data, size_t size,
                            uint8_t (&folded)[kFoldBlock]) {
  assert(size >= kFoldStride && size % kFoldBlock == 0);
  const uint8_t* const end = data + size;

  Block lanes[kFoldLanes];
  for (size_t i = 0; i < kFoldLanes; ++i) lanes[i] = clmul::Load(data + i * kFoldBlock);
  lanes[0] = clmul::Xor(lanes[0], clmul::MakeBlock(crc, 0));
  data += kFoldStride;

  const Block over_stride = clmul::MakeBlock(keys.over_stride.low, keys.over_stride.high);
  for (; static_cast<size_t>(end - data) >= kFoldStride; data += kFoldStride) {
    for (size_t i = 0; i < kFoldLanes; ++i) {
      lanes[i] = FoldOnto(lanes[i], over_stride, clmul::Load(data + i * kFoldBlock));
    }
  }

  const Block over_block = clmul::MakeBlock(keys.over_block.low, keys.over_block.high);
  Block last = lanes[0];
  for (size_t i = 1; i < kFoldLanes; ++i) last = FoldOnto(last, over_block, lanes[i]);
  for (; data != end; data += kFoldBlock) last = FoldOnto(last, over_block, clmul::Load(data));
  clmul::Store(last, folded);
}

#else

bool DetectFolding() { return false; }

void Fold(const FoldKeys&, uint64_t, const uint8_t*, size_t, uint8_t (&)[kFoldBlock]) {
  assert(false);
}

#endif

}  // namespace objectpipes
