// Rows of int8 chains: products of 16-bit samples. The two samples of a cell go to two sums, which are added at the
// end: 24 of 32 registers.
#define SUBPIXEL_TARGET_NS neon

#include <arm_neon.h>

#include "subpixel/int8_chain_kernels.hpp"

namespace subpixel::neon {
namespace {

struct Product {
  static constexpr int kGroup = 2;

  struct Sum {
    int32x4_t low, high;
  };
  static Sum start(std::int32_t bias) {
    const int32x4_t first = vsetq_lane_s32(bias, vdupq_n_s32(0), 0), both = vsetq_lane_s32(bias, first, 2);
    return {both, both};
  }
  template <int Channel>
  static void multiply(Sum& sum, uint32x4_t x, uint32x4_t w) {
    const int16x8_t cells = vreinterpretq_s16_u32(x), one = vreinterpretq_s16_u32(vdupq_laneq_u32(w, Channel));
    sum.low = vmlal_s16(sum.low, vget_low_s16(cells), vget_low_s16(one));
    sum.high = vmlal_high_s16(sum.high, cells, one);
  }
  static int32x4_t total(const Sum& sum) { return vpaddq_s32(sum.low, sum.high); }
};

constexpr const char* kName = "neon";
constexpr int kVectors = 3;

}  // namespace
}  // namespace subpixel::neon

#include "../generic/conv_int_neon.hpp"
