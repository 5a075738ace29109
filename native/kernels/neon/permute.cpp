// Byte permutations, 16 bytes a round, by table look-ups, which give zero for an index of 16 or more.
#define SUBPIXEL_TARGET_NS neon

#include <arm_neon.h>

#include "subpixel/permute.hpp"
#include "../generic/tables.hpp"

namespace subpixel::neon {
namespace {

void run(const PermuteRounds& p) {
  for (std::ptrdiff_t n = 0; n < p.rounds; ++n) {
    uint8x16_t result = vdupq_n_u8(0);
    for (int k = 0; k < p.sources; ++k)
      result = vorrq_u8(result, vqtbl1q_u8(vld1q_u8(p.source[k] + n * p.source_step), vld1q_u8(p.table + 16 * k)));
    vst1q_u8(p.out + n * p.out_step, result);
  }
}

}  // namespace

constexpr PermuteKernels permute_kernels = {16, run, nullptr};

}  // namespace subpixel::neon
