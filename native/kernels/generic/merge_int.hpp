// The first and the last step of the integer engine, written once; each target's file defines SUBPIXEL_TARGET_NS and includes this.
// Plain loops: the compiler turns them into the target's vectors. Built without contraction of products and sums.

#include "subpixel/integer.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// Samples worked on at a time: what they make of r rows stays in the first-level cache.
constexpr int kMergeSpan = 256;

void encode(const float* x, int n, Cell* __restrict to) {
  for (int k = 0; k < n; ++k) {
    float v = x[k] * 255.0f + 0.5f;
    v = v > 0.0f ? v : 0.0f;
    v = v < 255.0f ? v : 255.0f;
    to[k] = static_cast<Cell>(static_cast<int>(v));
  }
}

inline float merged(std::int16_t z, float base) { return base + static_cast<float>(z) * (1.0f / (16.0f * 255.0f)); }

inline std::uint8_t merged(std::int16_t z, std::uint8_t base) {
  const int sum = (16 * base + z + 8) >> 4;
  return static_cast<std::uint8_t>(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

template <class Sample, int R>
void merge_rows(const std::int16_t* const* z, const Sample* base, int n, Sample* __restrict out) {
  Sample made[R][kMergeSpan];
  for (int first = 0; first < n; first += kMergeSpan) {
    const int count = n - first < kMergeSpan ? n - first : kMergeSpan;
    for (int k = 0; k < R; ++k)
      for (int x = 0; x < count; ++x) made[k][x] = merged(z[k][first + x], base[first + x]);
    Sample* to = out + static_cast<std::ptrdiff_t>(first) * R;
    for (int x = 0; x < count; ++x)
      for (int k = 0; k < R; ++k) to[x * R + k] = made[k][x];
  }
}

template <class Sample>
void merge(const std::int16_t* const* z, const Sample* base, int r, int n, Sample* out) {
  switch (r) {
    case 1: return merge_rows<Sample, 1>(z, base, n, out);
    case 2: return merge_rows<Sample, 2>(z, base, n, out);
    case 3: return merge_rows<Sample, 3>(z, base, n, out);
    case 4: return merge_rows<Sample, 4>(z, base, n, out);
    case 8: return merge_rows<Sample, 8>(z, base, n, out);
    default:
      for (int x = 0; x < n; ++x)
        for (int k = 0; k < r; ++k) out[static_cast<std::ptrdiff_t>(x) * r + k] = merged(z[k][x], base[x]);
  }
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
