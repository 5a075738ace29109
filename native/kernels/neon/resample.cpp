// Weighted sums of rows.
#define SUBPIXEL_TARGET_NS neon

#include <arm_neon.h>

namespace subpixel::neon {
namespace {
constexpr int kLanes = 4;
typedef double Doubles __attribute__((vector_size(16)));
typedef int Ints __attribute__((vector_size(16)));
typedef int Halfs __attribute__((vector_size(8)));
typedef short Shorts __attribute__((vector_size(16)));
typedef unsigned char Bytes __attribute__((vector_size(4)));
typedef unsigned char HalfBytes __attribute__((vector_size(2)));
typedef unsigned short HalfWords __attribute__((vector_size(4)));
typedef short Words __attribute__((vector_size(8)));
typedef unsigned short UnsignedWords __attribute__((vector_size(8)));
typedef unsigned char ManyBytes __attribute__((vector_size(8)));

// `most` if v is NaN.
inline Doubles smaller(Doubles v, Doubles most) { return (Doubles)vminnmq_f64((float64x2_t)v, (float64x2_t)most); }
// The products of both halves of a number, as signed integers, summed.
inline Ints multiply_pairs(Ints x, Ints w) {
  const int16x8_t a = (int16x8_t)x, b = (int16x8_t)w;
  return (Ints)vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b));
}
inline Shorts multiply_high(Shorts x, Shorts w) {
  const int16x8_t a = (int16x8_t)x, b = (int16x8_t)w;
  const int16x4_t low = vshrn_n_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), 16);
  return (Shorts)vshrn_high_n_s32(low, vmull_high_s16(a, b), 16);
}
inline Ints widen_bytes(Bytes v) { return __builtin_convertvector(v, Ints); }
// For values that fit in the narrower type.
inline Words narrow(Ints v, short) { return (Words)vmovn_s32((int32x4_t)v); }
inline UnsignedWords narrow(Ints v, unsigned short) { return (UnsignedWords)vmovn_s32((int32x4_t)v); }
inline Bytes narrow(Ints v, unsigned char) {
  const uint16x4_t words = vqmovun_s32((int32x4_t)v);
  const uint8x8_t bytes = vqmovn_u16(vcombine_u16(words, words));
  Bytes result;
  __builtin_memcpy(&result, &bytes, sizeof result);
  return result;
}
inline HalfWords narrow(Halfs v, unsigned short) { return __builtin_convertvector(v, HalfWords); }
inline HalfBytes narrow(Halfs v, unsigned char) { return __builtin_convertvector(v, HalfBytes); }
inline ManyBytes narrow(Shorts v) { return (ManyBytes)vmovn_s16((int16x8_t)v); }
// Clipped to a byte.
inline Bytes clip_to_bytes(Ints v) { return narrow(v, static_cast<unsigned char>(0)); }
// The same for four vectors.
typedef unsigned char AllBytes __attribute__((vector_size(16)));
inline AllBytes clip_to_bytes(Ints a, Ints b, Ints c, Ints d) {
  const uint16x8_t words = vcombine_u16(vqmovun_s32((int32x4_t)a), vqmovun_s32((int32x4_t)b));
  const uint16x8_t more = vcombine_u16(vqmovun_s32((int32x4_t)c), vqmovun_s32((int32x4_t)d));
  return (AllBytes)vcombine_u8(vqmovn_u16(words), vqmovn_u16(more));
}
}  // namespace
}  // namespace subpixel::neon

#include "../generic/resample.hpp"
