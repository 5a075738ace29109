// Rows of int8 chains with the product of unsigned and signed bytes of I8MM: 24 sums, 6 inputs and 1 vector of weights.
#define SUBPIXEL_TARGET_NS i8mm

#include <arm_neon.h>

#include "subpixel/int8_chain_kernels.hpp"

namespace subpixel::i8mm {
namespace {

struct Product {
  static constexpr int kGroup = 4;

  using Sum = int32x4_t;
  static Sum start(std::int32_t bias) { return vdupq_n_s32(bias); }
  template <int Channel>
  static void multiply(Sum& sum, uint32x4_t x, uint32x4_t w) {
    sum = vusdotq_laneq_s32(sum, vreinterpretq_u8_u32(x), vreinterpretq_s8_u32(w), Channel);
  }
  static int32x4_t total(Sum sum) { return sum; }
};

constexpr const char* kName = "i8mm";
constexpr int kVectors = 6;

}  // namespace
}  // namespace subpixel::i8mm

#include "../generic/conv_int_neon.hpp"
