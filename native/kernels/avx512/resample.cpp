// Weighted sums of rows.
#define SUBPIXEL_TARGET_NS avx512
#define SUBPIXEL_WINDOWS

#include <immintrin.h>

namespace subpixel::avx512 {
namespace {
constexpr int kLanes = 16;
typedef double Doubles __attribute__((vector_size(64)));
typedef int Ints __attribute__((vector_size(64)));
typedef int Halfs __attribute__((vector_size(32)));
typedef short Shorts __attribute__((vector_size(64)));
typedef unsigned char Bytes __attribute__((vector_size(16)));
typedef unsigned char HalfBytes __attribute__((vector_size(8)));
typedef unsigned short HalfWords __attribute__((vector_size(16)));
typedef short Words __attribute__((vector_size(32)));
typedef unsigned short UnsignedWords __attribute__((vector_size(32)));
typedef unsigned char ManyBytes __attribute__((vector_size(32)));

// `most` if v is NaN.
inline Doubles smaller(Doubles v, Doubles most) { return (Doubles)_mm512_min_pd((__m512d)v, (__m512d)most); }
inline Ints multiply_pairs(Ints x, Ints w) { return (Ints)_mm512_madd_epi16((__m512i)x, (__m512i)w); }
inline Shorts multiply_high(Shorts x, Shorts w) { return (Shorts)_mm512_mulhi_epi16((__m512i)x, (__m512i)w); }
inline Ints widen_bytes(Bytes v) { return (Ints)_mm512_cvtepu8_epi32((__m128i)v); }
// For values that fit in the narrower type.
inline Words narrow(Ints v, short) { return (Words)_mm512_cvtepi32_epi16((__m512i)v); }
inline UnsignedWords narrow(Ints v, unsigned short) { return (UnsignedWords)_mm512_cvtepi32_epi16((__m512i)v); }
inline Bytes narrow(Ints v, unsigned char) { return (Bytes)_mm512_cvtepi32_epi8((__m512i)v); }
inline HalfBytes narrow(Halfs v, unsigned char) {
  return (HalfBytes)_mm_cvtsi128_si64(_mm256_cvtepi32_epi8((__m256i)v));
}
inline HalfWords narrow(Halfs v, unsigned short) { return (HalfWords)_mm256_cvtepi32_epi16((__m256i)v); }
// Clipped to a byte.
inline Bytes clip_to_bytes(Ints v) {
  return (Bytes)_mm512_cvtusepi32_epi8(_mm512_max_epi32((__m512i)v, _mm512_setzero_si512()));
}
// The same for four vectors. Packing works on each 16-byte lane alone; words are put into order at the end.
typedef unsigned char AllBytes __attribute__((vector_size(64)));
inline AllBytes clip_to_bytes(Ints a, Ints b, Ints c, Ints d) {
  const __m512i words = _mm512_packs_epi32((__m512i)a, (__m512i)b), more = _mm512_packs_epi32((__m512i)c, (__m512i)d);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return (AllBytes)_mm512_permutexvar_epi32(order, _mm512_packus_epi16(words, more));
}
inline ManyBytes narrow(Shorts v) { return (ManyBytes)_mm512_cvtepi16_epi8((__m512i)v); }

typedef unsigned char ByteVec __attribute__((vector_size(64)));
inline __m128i window(const unsigned char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline ByteVec gather_windows(const unsigned char* row, const int* start) {
  __m512i x = _mm512_broadcast_i32x4(window(row + start[0]));
  x = _mm512_mask_broadcast_i32x4(x, 0x00f0, window(row + start[1]));
  x = _mm512_mask_broadcast_i32x4(x, 0x0f00, window(row + start[2]));
  return (ByteVec)_mm512_mask_broadcast_i32x4(x, 0xf000, window(row + start[3]));
}
inline ByteVec pick_bytes(ByteVec x, ByteVec table) { return (ByteVec)_mm512_shuffle_epi8((__m512i)x, (__m512i)table); }
inline Ints multiply_bytes(ByteVec x, ByteVec w) { return (Ints)_mm512_maddubs_epi16((__m512i)x, (__m512i)w); }
}  // namespace
}  // namespace subpixel::avx512

#include "../generic/resample.hpp"
