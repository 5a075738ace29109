// The last step of a chain, written once: interleaves r rows of its last layer to one. Each target's file defines
// SUBPIXEL_TARGET_NS, and `add_base` for its samples, before it includes this. Plain loops: the compiler turns them
// into the target's vectors.
#pragma once

#include <cstddef>

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// The samples of a step: what it makes of r rows stays in the first-level cache.
constexpr int kInterleaveSpan = 256;

template <class Last, class Sample, int R>
void interleave_rows(const Last* const* z, const Sample* base, int n, Sample* __restrict out) {
  Sample result[R][kInterleaveSpan];
  for (int first = 0; first < n; first += kInterleaveSpan) {
    const int count = n - first < kInterleaveSpan ? n - first : kInterleaveSpan;
    for (int k = 0; k < R; ++k) {
      // Pointers, since an index of type int may wrap around here: the compiler would find no vectors.
      const Last* const last = z[k] + first;
      const Sample* const near = base + first;
      for (int x = 0; x < count; ++x) result[k][x] = add_base(last[x], near[x]);
    }
    Sample* to = out + static_cast<std::ptrdiff_t>(first) * R;
    for (int x = 0; x < count; ++x)
      for (int k = 0; k < R; ++k) to[x * R + k] = result[k][x];
  }
}

template <class Last, class Sample>
void interleave(const Last* const* z, const Sample* base, int r, int n, Sample* out) {
  switch (r) {
    case 1: return interleave_rows<Last, Sample, 1>(z, base, n, out);
    case 2: return interleave_rows<Last, Sample, 2>(z, base, n, out);
    case 3: return interleave_rows<Last, Sample, 3>(z, base, n, out);
    case 4: return interleave_rows<Last, Sample, 4>(z, base, n, out);
    case 8: return interleave_rows<Last, Sample, 8>(z, base, n, out);
    default:
      for (int x = 0; x < n; ++x)
        for (int k = 0; k < r; ++k) out[static_cast<std::ptrdiff_t>(x) * r + k] = add_base(z[k][x], base[x]);
  }
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
