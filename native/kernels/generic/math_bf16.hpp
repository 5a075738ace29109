// Math over cells of two bf16, the first in the lower half; sums are f32. A target may define its product as
// SUBPIXEL_MULTIPLY_BF16(sum, x, w). Otherwise samples are widened and added one after the other, which any processor
// can.
#include "subpixel/float_chain_kernels.hpp"
#include "vec_f32.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

typedef std::uint32_t Bits __attribute__((vector_size(kLanes * 4)));

// The upper half of a float, rounded to nearest, ties to even; NaN stays NaN.
template <class Float, class Word>
inline Word round_to_bf16(Word bits, Float value) {
  const Word up = bits + 0x7fffu + (bits >> 16 & 1u);
  return value == value ? up : (bits | 0x400000u);
}

inline Bits round_to_bf16(Vec v) { return round_to_bf16<Vec, Bits>((Bits)v, v); }

struct Math {
  static constexpr int kGroup = 2, kLanes = SUBPIXEL_TARGET_NS::kLanes;
#if defined(SUBPIXEL_MULTIPLY_BF16)
  using Cells = Bits;
  static Cells of(Bits bits) { return bits; }
  static void multiply(Vec& sum, Cells x, Cells w) { SUBPIXEL_MULTIPLY_BF16(sum, x, w); }
#else
  struct Cells {
    Vec low, high;
  };
  static Cells of(Bits bits) { return {(Vec)(bits << 16), (Vec)(bits & 0xffff0000u)}; }
  static void multiply(Vec& sum, const Cells& x, const Cells& w) {
    sum += x.low * w.low;
    sum += x.high * w.high;
  }
#endif
  static Bits bits(const Cell* p) {
    Bits b;
    __builtin_memcpy(&b, p, sizeof b);
    return b;
  }
  static Cells load(const Cell* p) { return of(bits(p)); }
  static Cells broadcast(const Cell* p) { return of(*p - Bits{}); }
  static void add(const Cell* skip, Vec* part) {
    const Bits b = bits(skip);
    part[0] += (Vec)(b << 16);
    part[1] += (Vec)(b & 0xffff0000u);
  }
  static void store(Cell* to, const Vec* part) {
    const Bits result = round_to_bf16(part[0]) >> 16 | (round_to_bf16(part[1]) & 0xffff0000u);
    __builtin_memcpy(to, &result, sizeof result);
  }
  static void encode(const float* x, int n, Cell* to) {
    for (int k = 0; k < n; ++k) {
      Cell one;
      __builtin_memcpy(&one, x + k, sizeof one);
      to[k] = round_to_bf16<float, Cell>(one, x[k]) >> 16;
    }
  }
};

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
