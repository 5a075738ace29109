// Weighted sums of rows.
#define SUBPIXEL_TARGET_NS scalar

namespace subpixel::scalar {
namespace {
constexpr int kLanes = 4;
typedef double Doubles __attribute__((vector_size(16)));
typedef int Ints __attribute__((vector_size(16)));
typedef int Halfs __attribute__((vector_size(8)));
typedef short Shorts __attribute__((vector_size(16)));
typedef unsigned char Bytes __attribute__((vector_size(4)));
typedef int WideInts __attribute__((vector_size(32)));

template <class T, int N>
struct Few {
  typedef T type __attribute__((vector_size(N * sizeof(T))));
};

// `most` if v is NaN.
inline Doubles smaller(Doubles v, Doubles most) { return v < most ? v : most; }
// The products of both halves of a number, as signed integers, summed.
inline Ints multiply_pairs(Ints x, Ints w) { return ((x << 16) >> 16) * ((w << 16) >> 16) + (x >> 16) * (w >> 16); }
inline Shorts multiply_high(Shorts x, Shorts w) {
  return __builtin_convertvector((__builtin_convertvector(x, WideInts) * __builtin_convertvector(w, WideInts)) >> 16,
                                 Shorts);
}
inline Ints widen_bytes(Bytes v) { return __builtin_convertvector(v, Ints); }
// For values that fit in the narrower type.
template <class T>
inline auto narrow(Ints v, T) { return __builtin_convertvector(v, typename Few<T, kLanes>::type); }
template <class T>
inline auto narrow(Halfs v, T) { return __builtin_convertvector(v, typename Few<T, kLanes / 2>::type); }
// Clipped to a byte.
inline Bytes clip_to_bytes(Ints v) {
  const Ints none{}, most = none + 255;
  v = v > none ? v : none;
  return narrow(v < most ? v : most, static_cast<unsigned char>(0));
}
// The same for four vectors.
typedef unsigned char AllBytes __attribute__((vector_size(16)));
inline AllBytes clip_to_bytes(Ints a, Ints b, Ints c, Ints d) {
  const Bytes parts[4] = {clip_to_bytes(a), clip_to_bytes(b), clip_to_bytes(c), clip_to_bytes(d)};
  AllBytes all;
  __builtin_memcpy(&all, parts, sizeof all);
  return all;
}
inline auto narrow(Shorts v) { return __builtin_convertvector(v, Few<unsigned char, 2 * kLanes>::type); }
}  // namespace
}  // namespace subpixel::scalar

#include "../generic/resample.hpp"
