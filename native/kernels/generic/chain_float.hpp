// Rows of float chains, written once over vectors and a Math, which says what a cell holds and how cells are
// multiplied. Each target's file defines SUBPIXEL_TARGET_NS, kName, kVectors, kMostChannels, kSums and Math, over
// vec_f32.hpp, before it includes this.

#include "epilogue_float.hpp"
#include "tables.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

using Row = RowConvFloat;
using Product = Math;

inline Vec first_sum(const Block& b, int channel) { return fill(b.bias[channel]); }

template <int Channels, int Vectors>
__attribute__((always_inline)) inline void apply_epilogue(const RowConvFloat& a, const Block& b,
                                                          Vec (&sum)[Channels][Vectors]) {
  if (a.last != nullptr) return store_last(a, b, sum);
  if (a.skip != nullptr) return store_activated<true>(a, b, sum);
  store_activated<false>(a, b, sum);
}

// The columns whose inputs stay in the first-level cache while all channels are computed.
int stripe_of(const RowConvFloat& a) {
  constexpr int step = kVectors * kLanes, bytes = 16 * 1024;
  const int fit = bytes / (static_cast<int>(sizeof(Cell)) * a.kernel_rows * a.groups) / step * step;
  return fit > step ? fit : step;
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS

#include "row_blocks.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

long long peak(long long rounds) {
  constexpr int sums = 10;  // as many as hide the latency
  const Cell nothing = 0;
  const typename Math::Cells w = Math::broadcast(&nothing);
  typename Math::Cells x = w;
  Vec sum[sums] = {};
  for (long long k = 0; k < rounds; ++k) {
    asm volatile("" : "+m"(x));  // otherwise the compiler would multiply only once
#pragma GCC unroll 16
    for (int s = 0; s < sums; ++s) Math::multiply(sum[s], x, w);
  }
  Vec total = sum[0];
#pragma GCC unroll 16
  for (int s = 1; s < sums; ++s) total += sum[s];
  volatile float unused = total[0];
  static_cast<void>(unused);
  return rounds * sums * kLanes * Math::kGroup;
}

constexpr FloatChainKernels kTable = {kName, Math::kGroup, block, conv, Math::encode, interleave<float, float>, peak};

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
