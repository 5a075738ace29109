// The first and the last step of int8 chains, written once. Each target's file defines SUBPIXEL_TARGET_NS and includes
// this. Compiled without contraction of products and sums.

#include "subpixel/int8_chain_kernels.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

void encode(const float* x, int n, float codes, float more, Cell* __restrict to) {
  for (int k = 0; k < n; ++k) {
    float v = x[k] * codes + more;
    v = v > 0.0f ? v : 0.0f;
    v = v < codes ? v : codes;
    to[k] = static_cast<Cell>(static_cast<int>(v));
  }
}

inline float add_base(std::int16_t z, float base) { return base + static_cast<float>(z) * (1.0f / (16.0f * 255.0f)); }

inline std::uint8_t add_base(std::int16_t z, std::uint8_t base) {
  const int sum = (16 * base + z + 8) >> 4;
  return static_cast<std::uint8_t>(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS

#include "interleave.hpp"
