// The rows of subpixel/flat.hpp. Each target's file defines SUBPIXEL_TARGET_NS and includes this. Plain loops, which the
// compiler turns into the target's vectors.

#include "subpixel/flat.hpp"
#include "tables.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

using Half = std::int16_t;

void halves(const float* x, int n, Half* __restrict to) {
  for (int k = 0; k < n; ++k) {
    float v = x[k] * 510.0f + 0.5f;
    v = v > 0.0f ? v : 0.0f;
    v = v < 510.0f ? v : 510.0f;
    to[k] = static_cast<Half>(static_cast<int>(v));
  }
}

void halves_u8(const std::uint8_t* x, int n, Half* __restrict to) {
  for (int k = 0; k < n; ++k) to[k] = static_cast<Half>(2 * x[k]);
}

// All numbers of 16 bits: the compiler finds the products and sums of such vectors in these forms.
inline Half sum(Half a, Half b) { return static_cast<Half>(a + b); }
inline Half difference(Half a, Half b) { return static_cast<Half>(a - b); }
inline Half product(Half a, Half w) { return static_cast<Half>((((static_cast<int>(a) * w) >> 14) + 1) >> 1); }
inline Half larger(Half a, Half b) { return a > b ? a : b; }

inline Half bend(Half before, Half twice, Half after) {
  const Half d = difference(sum(before, after), twice);
  return larger(d, difference(0, d));
}

void bends(const Half* above, const Half* here, const Half* below, int n, Half* __restrict largest,
           Half* __restrict total) {
  for (int k = 0; k < n; ++k) {
    const Half twice = sum(here[k], here[k]);
    const Half row = bend(here[k - 1], twice, here[k + 1]), column = bend(above[k], twice, below[k]);
    const Half one = bend(above[k - 1], twice, below[k + 1]), other = bend(above[k + 1], twice, below[k - 1]);
    const Half most = larger(larger(row, column), larger(one, other));
    largest[k] = larger(largest[k], most);
    total[k] = sum(total[k], most);
  }
}

void any_of_four(const Half* x, int n, int limit, std::uint8_t* __restrict to) {
  for (int k = 0; k < n; ++k)
    to[k] = larger(larger(x[4 * k], x[4 * k + 1]), larger(x[4 * k + 2], x[4 * k + 3])) > limit;
}

void sum_of_eight(const Half* x, int n, int limit, std::uint8_t* __restrict to) {
  for (int k = 0; k < n; ++k) {
    int total = 0;
    for (int i = 0; i < 8; ++i) total += x[8 * k + i];
    to[k] = total > limit;
  }
}

void down_s16(const Half* const* rows, const Half* taps, int n, Half* __restrict down, Half* __restrict v) {
  const Half *a = rows[0], *b = rows[1], *here = rows[2], *c = rows[3], *d = rows[4];
  const Half wa = taps[0], wb = taps[1], wc = taps[2], wd = taps[3];
  const auto part = [&](Half x, Half middle, Half w) { return product(static_cast<Half>(difference(x, middle) * 16), w); };
  for (int k = 0; k < n; ++k) {
    const Half h = here[k];
    const Half total = sum(sum(part(a[k], h, wa), part(b[k], h, wb)), sum(part(c[k], h, wc), part(d[k], h, wd)));
    down[k] = total;
    v[k] = sum(static_cast<Half>(h * 16), total);
  }
}

// The pointer, of which the compiler no longer knows that it is another's neighbour: gcc 12 would carry samples from one
// iteration to the next, and then finds no vectors.
inline const Half* apart(const Half* p) {
  asm("" : "+r"(p));
  return p;
}

template <bool Base>
void across_integers(const Half* down, const Half* v, const Half* taps, const Half* here, int n, Half* __restrict z) {
  const Half wa = taps[0], wb = taps[1], wc = taps[2], wd = taps[3];
  const Half *a = apart(v - 2), *b = apart(v - 1), *c = apart(v + 1), *d = apart(v + 2);
  for (int k = 0; k < n; ++k) {
    const Half m = v[k];
    const Half outer = sum(product(difference(a[k], m), wa), product(difference(d[k], m), wd));
    const Half inner = sum(product(difference(b[k], m), wb), product(difference(c[k], m), wc));
    const Half total = sum(sum(down[k], sum(outer, inner)), 1);
    const Half half = static_cast<Half>(total >> 1);
    z[k] = Base ? half : sum(half, static_cast<Half>(here[k] * 8));
  }
}

void across_s16(const Half* down, const Half* v, const Half* taps, const Half* here, int n, Half* z) {
  if (here == nullptr) return across_integers<true>(down, v, taps, here, n, z);
  across_integers<false>(down, v, taps, here, n, z);
}

// Sums of floats in the order of the definition: it begins with 0.
void down_f32(const float* const* rows, const float* taps, int n, float* __restrict down, float* __restrict v) {
  const float *a = rows[0], *b = rows[1], *here = rows[2], *c = rows[3], *d = rows[4];
  const float wa = taps[0], wb = taps[1], wc = taps[2], wd = taps[3];
  for (int k = 0; k < n; ++k) {
    const float h = here[k];
    const float total = ((((a[k] - h) * wa) + (b[k] - h) * wb) + (c[k] - h) * wc) + (d[k] - h) * wd;
    down[k] = total;
    v[k] = h + total;
  }
}

void across_f32(const float* down, const float* v, const float* taps, const float* here, int n, float* __restrict z) {
  const float wa = taps[0], wb = taps[1], wc = taps[2], wd = taps[3];
  for (int k = 0; k < n; ++k) {
    const float m = v[k];
    const float total = ((((v[k - 2] - m) * wa) + (v[k - 1] - m) * wb) + (v[k + 1] - m) * wc) + (v[k + 2] - m) * wd;
    z[k] = down[k] + total;
  }
  if (here != nullptr)
    for (int k = 0; k < n; ++k) z[k] = here[k] + z[k];
}

}  // namespace

constexpr FlatKernels flat_kernels = {halves,   halves_u8, bends,      any_of_four, sum_of_eight,
                                      down_s16, down_f32,  across_s16, across_f32};

}  // namespace subpixel::SUBPIXEL_TARGET_NS
