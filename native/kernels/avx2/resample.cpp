// Weighted sums of rows.
#define SUBPIXEL_TARGET_NS avx2
#define SUBPIXEL_WINDOWS

#include <immintrin.h>

namespace subpixel::avx2 {
namespace {
constexpr int kLanes = 8;
typedef double Doubles __attribute__((vector_size(32)));
typedef int Ints __attribute__((vector_size(32)));
typedef int Halfs __attribute__((vector_size(16)));
typedef short Shorts __attribute__((vector_size(32)));
typedef unsigned char Bytes __attribute__((vector_size(8)));
typedef unsigned char HalfBytes __attribute__((vector_size(4)));
typedef unsigned short HalfWords __attribute__((vector_size(8)));
typedef short Words __attribute__((vector_size(16)));
typedef unsigned short UnsignedWords __attribute__((vector_size(16)));
typedef unsigned char ManyBytes __attribute__((vector_size(16)));

// `most` if v is NaN.
inline Doubles smaller(Doubles v, Doubles most) { return (Doubles)_mm256_min_pd((__m256d)v, (__m256d)most); }
inline Ints multiply_pairs(Ints x, Ints w) { return (Ints)_mm256_madd_epi16((__m256i)x, (__m256i)w); }
inline Shorts multiply_high(Shorts x, Shorts w) { return (Shorts)_mm256_mulhi_epi16((__m256i)x, (__m256i)w); }
inline Ints widen_bytes(Bytes v) { return (Ints)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)v)); }
inline __m128i low(__m256i v) { return _mm256_castsi256_si128(v); }
inline __m128i high(__m256i v) { return _mm256_extracti128_si256(v, 1); }
// For values that fit in the narrower type.
inline Words narrow(Ints v, short) { return (Words)_mm_packs_epi32(low((__m256i)v), high((__m256i)v)); }
inline UnsignedWords narrow(Ints v, unsigned short) {
  return (UnsignedWords)_mm_packus_epi32(low((__m256i)v), high((__m256i)v));
}
inline Bytes narrow(Ints v, unsigned char) {
  const __m128i words = (__m128i)narrow(v, short{});
  return (Bytes)_mm_cvtsi128_si64(_mm_packus_epi16(words, words));
}
// Clipped to a byte, as packing does it.
inline Bytes clip_to_bytes(Ints v) { return narrow(v, static_cast<unsigned char>(0)); }
// The same for four vectors. Packing works on each 16-byte lane alone; words are put into order at the end.
typedef unsigned char AllBytes __attribute__((vector_size(32)));
inline AllBytes clip_to_bytes(Ints a, Ints b, Ints c, Ints d) {
  const __m256i words = _mm256_packs_epi32((__m256i)a, (__m256i)b), more = _mm256_packs_epi32((__m256i)c, (__m256i)d);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return (AllBytes)_mm256_permutevar8x32_epi32(_mm256_packus_epi16(words, more), order);
}
inline HalfWords narrow(Halfs v, unsigned short) {
  return (HalfWords)_mm_cvtsi128_si64(_mm_packus_epi32((__m128i)v, (__m128i)v));
}
inline HalfBytes narrow(Halfs v, unsigned char) {
  const __m128i words = _mm_packus_epi32((__m128i)v, (__m128i)v);
  return (HalfBytes)_mm_cvtsi128_si32(_mm_packus_epi16(words, words));
}
inline ManyBytes narrow(Shorts v) { return (ManyBytes)_mm_packus_epi16(low((__m256i)v), high((__m256i)v)); }

typedef unsigned char ByteVec __attribute__((vector_size(32)));
inline __m128i window(const unsigned char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
inline ByteVec gather_windows(const unsigned char* row, const int* start) {
  return (ByteVec)_mm256_inserti128_si256(_mm256_castsi128_si256(window(row + start[0])), window(row + start[1]), 1);
}
inline ByteVec pick_bytes(ByteVec x, ByteVec table) { return (ByteVec)_mm256_shuffle_epi8((__m256i)x, (__m256i)table); }
inline Ints multiply_bytes(ByteVec x, ByteVec w) { return (Ints)_mm256_maddubs_epi16((__m256i)x, (__m256i)w); }
}  // namespace
}  // namespace subpixel::avx2

#include "../generic/resample.hpp"
