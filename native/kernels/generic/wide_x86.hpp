// What the integer kernels need of 256 and 512 bits. Each target's file defines SUBPIXEL_TARGET_NS before including this.
// Functions whose 16-bit lanes pass between the 128-bit parts of a vector do not occur: packing and its undoing both
// stay within them.

#include <immintrin.h>

#include <cstdint>

#include "subpixel/integer.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// In the 16 bytes of a part: four samples of each of four channels, to four cells of four channels.
#define SUBPIXEL_FOUR_BY_FOUR 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15
// Four 16-bit samples of each of two channels, to four cells of two.
#define SUBPIXEL_FOUR_BY_TWO 0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15

// And back: four cells of two 16-bit samples, to four of each channel. Four by four is its own inverse.
#define SUBPIXEL_TWO_BY_FOUR 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15

struct Bits256 {
  using Vec = __m256i;
  static constexpr int kLanes = 8;

  static Vec load(const void* p) { return _mm256_loadu_si256(static_cast<const Vec*>(p)); }
  static void store(void* p, Vec v) { _mm256_storeu_si256(static_cast<Vec*>(p), v); }
  static Vec set32(int v) { return _mm256_set1_epi32(v); }
  static Vec set16(int v) { return _mm256_set1_epi16(static_cast<short>(v)); }
  static Vec pair16(const void* p) { return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p))); }
  static Vec shift_right(Vec v, int by) { return _mm256_srav_epi32(v, set32(by)); }
  static Vec pack32(Vec a, Vec b) { return _mm256_packs_epi32(a, b); }
  static Vec mulhrs(Vec a, Vec b) { return _mm256_mulhrs_epi16(a, b); }
  static Vec add32(Vec a, Vec b) { return _mm256_add_epi32(a, b); }
  static Vec add16(Vec a, Vec b) { return _mm256_add_epi16(a, b); }
  static Vec add16_saturated(Vec a, Vec b) { return _mm256_adds_epi16(a, b); }
  static Vec max16(Vec a, Vec b) { return _mm256_max_epi16(a, b); }
  static Vec shift16_right4(Vec v) { return _mm256_srai_epi16(v, 4); }
  static Vec shift16_left7(Vec v) { return _mm256_slli_epi16(v, 7); }
  static Vec sub16(Vec a, Vec b) { return _mm256_sub_epi16(a, b); }
  static Vec choose_negative(Vec of, Vec negative, Vec other) { return _mm256_blendv_epi8(other, negative, _mm256_srai_epi16(of, 15)); }
  static void store_last(std::int16_t* to, Vec y, int multiplier) {
    const __m128i packed = _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packs_epi32(y, y), 0x08));
    const __m128i z = _mm_mulhrs_epi16(packed, _mm_set1_epi16(static_cast<short>(multiplier)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), z);
  }
  static Vec bytes_of_four(Vec low, Vec high) {
    const Vec order = _mm256_setr_epi8(SUBPIXEL_FOUR_BY_FOUR, SUBPIXEL_FOUR_BY_FOUR);
    return _mm256_shuffle_epi8(_mm256_packus_epi16(low, high), order);
  }
  static Vec words_of_two(Vec v) {
    const Vec order = _mm256_setr_epi8(SUBPIXEL_FOUR_BY_TWO, SUBPIXEL_FOUR_BY_TWO);
    v = _mm256_min_epi16(_mm256_max_epi16(v, _mm256_setzero_si256()), set16(255));
    return _mm256_shuffle_epi8(v, order);
  }
  static void fours_of_bytes(Vec cells, Vec& low, Vec& high) {
    const Vec order = _mm256_setr_epi8(SUBPIXEL_FOUR_BY_FOUR, SUBPIXEL_FOUR_BY_FOUR);
    const Vec bytes = _mm256_shuffle_epi8(cells, order), zero = _mm256_setzero_si256();
    low = _mm256_unpacklo_epi8(bytes, zero);
    high = _mm256_unpackhi_epi8(bytes, zero);
  }
  static Vec twos_of_words(Vec cells) {
    return _mm256_shuffle_epi8(cells, _mm256_setr_epi8(SUBPIXEL_TWO_BY_FOUR, SUBPIXEL_TWO_BY_FOUR));
  }
};

#if defined(__AVX512BW__)
struct Bits512 {
  using Vec = __m512i;
  static constexpr int kLanes = 16;

  static Vec load(const void* p) { return _mm512_loadu_si512(p); }
  static void store(void* p, Vec v) { _mm512_storeu_si512(p, v); }
  static Vec set32(int v) { return _mm512_set1_epi32(v); }
  static Vec set16(int v) { return _mm512_set1_epi16(static_cast<short>(v)); }
  static Vec pair16(const void* p) { return _mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(p))); }
  static Vec shift_right(Vec v, int by) { return _mm512_srav_epi32(v, set32(by)); }
  static Vec pack32(Vec a, Vec b) { return _mm512_packs_epi32(a, b); }
  static Vec mulhrs(Vec a, Vec b) { return _mm512_mulhrs_epi16(a, b); }
  static Vec add32(Vec a, Vec b) { return _mm512_add_epi32(a, b); }
  static Vec add16(Vec a, Vec b) { return _mm512_add_epi16(a, b); }
  static Vec add16_saturated(Vec a, Vec b) { return _mm512_adds_epi16(a, b); }
  static Vec max16(Vec a, Vec b) { return _mm512_max_epi16(a, b); }
  static Vec shift16_right4(Vec v) { return _mm512_srai_epi16(v, 4); }
  static Vec shift16_left7(Vec v) { return _mm512_slli_epi16(v, 7); }
  static Vec sub16(Vec a, Vec b) { return _mm512_sub_epi16(a, b); }
  static Vec choose_negative(Vec of, Vec negative, Vec other) {
    return _mm512_mask_blend_epi16(_mm512_movepi16_mask(of), other, negative);
  }
  static void store_last(std::int16_t* to, Vec y, int multiplier) {
    const __m256i z =
        _mm256_mulhrs_epi16(_mm512_cvtsepi32_epi16(y), _mm256_set1_epi16(static_cast<short>(multiplier)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), z);
  }
  static Vec bytes_of_four(Vec low, Vec high) {
    const Vec order = _mm512_broadcast_i32x4(_mm_setr_epi8(SUBPIXEL_FOUR_BY_FOUR));
    return _mm512_shuffle_epi8(_mm512_packus_epi16(low, high), order);
  }
  static Vec words_of_two(Vec v) {
    const Vec order = _mm512_broadcast_i32x4(_mm_setr_epi8(SUBPIXEL_FOUR_BY_TWO));
    v = _mm512_min_epi16(_mm512_max_epi16(v, _mm512_setzero_si512()), set16(255));
    return _mm512_shuffle_epi8(v, order);
  }
  static void fours_of_bytes(Vec cells, Vec& low, Vec& high) {
    const Vec order = _mm512_broadcast_i32x4(_mm_setr_epi8(SUBPIXEL_FOUR_BY_FOUR));
    const Vec bytes = _mm512_shuffle_epi8(cells, order), zero = _mm512_setzero_si512();
    low = _mm512_unpacklo_epi8(bytes, zero);
    high = _mm512_unpackhi_epi8(bytes, zero);
  }
  static Vec twos_of_words(Vec cells) {
    return _mm512_shuffle_epi8(cells, _mm512_broadcast_i32x4(_mm_setr_epi8(SUBPIXEL_TWO_BY_FOUR)));
  }
};
#endif

// Cells of four u8 samples; Product gives multiply().
template <class Bits>
struct ByteCells : Bits {
  static constexpr int kGroup = 4;
  static void store_cells(Cell* to, std::ptrdiff_t, typename Bits::Vec low, typename Bits::Vec high) {
    Bits::store(to, Bits::bytes_of_four(low, high));
  }
  // Cells of four channels as the 16-bit samples of two and two.
  static void load_samples(const Cell* from, std::ptrdiff_t, typename Bits::Vec& low, typename Bits::Vec& high) {
    Bits::fours_of_bytes(Bits::load(from), low, high);
  }
};

// Cells of two 16-bit samples, for processors without a product of bytes that cannot overflow.
template <class Bits>
struct WordCells : Bits {
  static constexpr int kGroup = 2;
  static void store_cells(Cell* to, std::ptrdiff_t stride, typename Bits::Vec low, typename Bits::Vec high) {
    Bits::store(to, Bits::words_of_two(low));
    Bits::store(to + stride, Bits::words_of_two(high));
  }
  static void load_samples(const Cell* from, std::ptrdiff_t stride, typename Bits::Vec& low, typename Bits::Vec& high) {
    low = Bits::twos_of_words(Bits::load(from));
    high = Bits::twos_of_words(Bits::load(from + stride));
  }
};

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
