// Vectors of 256 and 512 bits for the integer kernels on x86. Each target's file defines SUBPIXEL_TARGET_NS before it
// includes this. No function moves 16-bit lanes between the 128-bit parts of a vector: packing and unpacking both stay
// within them.

#include <immintrin.h>

#include <cstdint>

#include "subpixel/int8_chain_kernels.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// Byte orders within a part of 16 bytes. From four samples of each of four channels to four cells of four channels; it
// is its own inverse.
#define SUBPIXEL_FOUR_BY_FOUR 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15
// From four 16-bit samples of each of two channels to four cells of two.
#define SUBPIXEL_FOUR_BY_TWO 0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15

// Back: from four cells of two 16-bit samples to four samples of each channel.
#define SUBPIXEL_TWO_BY_FOUR 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15

struct Bits256 {
  using Vec = __m256i;
  using Cells = Vec;
  static constexpr int kLanes = 8;

  static Vec load(const void* p) { return _mm256_loadu_si256(static_cast<const Vec*>(p)); }
  static void store(void* p, Vec v) { _mm256_storeu_si256(static_cast<Vec*>(p), v); }
  static Vec set32(int v) { return _mm256_set1_epi32(v); }
  static Vec broadcast(const Cell* p) { return set32(static_cast<int>(*p)); }
  static Vec set16(int v) { return _mm256_set1_epi16(static_cast<short>(v)); }
  static Vec pair16(const void* p) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static Vec shift_right(Vec v, int by) { return _mm256_srav_epi32(v, set32(by)); }
  static Vec pack32(Vec a, Vec b) { return _mm256_packs_epi32(a, b); }
  static Vec mulhrs(Vec a, Vec b) { return _mm256_mulhrs_epi16(a, b); }
  static Vec add16(Vec a, Vec b) { return _mm256_add_epi16(a, b); }
  static Vec add16_saturated(Vec a, Vec b) { return _mm256_adds_epi16(a, b); }
  static Vec max16(Vec a, Vec b) { return _mm256_max_epi16(a, b); }
  static Vec shift16_right4(Vec v) { return _mm256_srai_epi16(v, 4); }
  static Vec shift16_left7(Vec v) { return _mm256_slli_epi16(v, 7); }
  static Vec sub16(Vec a, Vec b) { return _mm256_sub_epi16(a, b); }
  static Vec choose_negative(Vec of, Vec negative, Vec other) {
    return _mm256_blendv_epi8(other, negative, _mm256_srai_epi16(of, 15));
  }
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

  // For Winograd tiles of four columns: every fourth cell, and back.
  static Vec add32(Vec a, Vec b) { return _mm256_add_epi32(a, b); }
  static Vec sub32(Vec a, Vec b) { return _mm256_sub_epi32(a, b); }
  static Vec mul32(Vec a, Vec b) { return _mm256_mullo_epi32(a, b); }
  template <int by>
  static Vec shift32_left(Vec v) { return _mm256_slli_epi32(v, by); }
  static Vec shift16_left2(Vec v) { return _mm256_slli_epi16(v, 2); }
  static void transpose_fours(Vec& a, Vec& b, Vec& c, Vec& d) {
    const Vec ab = _mm256_unpacklo_epi32(a, b), ba = _mm256_unpackhi_epi32(a, b);
    const Vec cd = _mm256_unpacklo_epi32(c, d), dc = _mm256_unpackhi_epi32(c, d);
    a = _mm256_unpacklo_epi64(ab, cd), b = _mm256_unpackhi_epi64(ab, cd);
    c = _mm256_unpacklo_epi64(ba, dc), d = _mm256_unpackhi_epi64(ba, dc);
  }
  // Four cells, and four that are sixteen cells further.
  static Vec load_halves(const Cell* p) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
                                   _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16)), 1);
  }
  static void load_fours(const Cell* p, Vec& a, Vec& b, Vec& c, Vec& d) {
    a = load_halves(p), b = load_halves(p + 4), c = load_halves(p + 8), d = load_halves(p + 12);
    transpose_fours(a, b, c, d);
  }
  static void store_fours(Cell* p, Vec a, Vec b, Vec c, Vec d) {
    transpose_fours(a, b, c, d);
    const Vec fours[] = {a, b, c, d};
    for (int k = 0; k < 4; ++k) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 4 * k), _mm256_castsi256_si128(fours[k]));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 4 * k + 16), _mm256_extracti128_si256(fours[k], 1));
    }
  }
  // Stores four shifted sums of a tile as z of neighbouring columns.
  static void store_last_fours(std::int16_t* to, Vec a, Vec b, Vec c, Vec d, int multiplier) {
    const Vec m = set16(multiplier);
    // in each half, of four tiles: a, then c; b, then d
    const Vec ac = _mm256_mulhrs_epi16(pack32(a, c), m), bd = _mm256_mulhrs_epi16(pack32(b, d), m);
    const Vec ab = _mm256_unpacklo_epi16(ac, bd), cd = _mm256_unpackhi_epi16(ac, bd);
    const Vec low = _mm256_unpacklo_epi32(ab, cd), high = _mm256_unpackhi_epi32(ab, cd);
    store(to, _mm256_permute2x128_si256(low, high, 0x20));
    store(to + 16, _mm256_permute2x128_si256(low, high, 0x31));
  }
};

#if defined(__AVX512BW__)
struct Bits512 {
  using Vec = __m512i;
  using Cells = Vec;
  static constexpr int kLanes = 16;

  static Vec load(const void* p) { return _mm512_loadu_si512(p); }
  static void store(void* p, Vec v) { _mm512_storeu_si512(p, v); }
  static Vec set32(int v) { return _mm512_set1_epi32(v); }
  static Vec broadcast(const Cell* p) { return set32(static_cast<int>(*p)); }
  static Vec set16(int v) { return _mm512_set1_epi16(static_cast<short>(v)); }
  static Vec pair16(const void* p) { return _mm512_broadcast_i32x4(_mm_loadu_si128(static_cast<const __m128i*>(p))); }
  static Vec shift_right(Vec v, int by) { return _mm512_srav_epi32(v, set32(by)); }
  static Vec pack32(Vec a, Vec b) { return _mm512_packs_epi32(a, b); }
  static Vec mulhrs(Vec a, Vec b) { return _mm512_mulhrs_epi16(a, b); }
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

  static Vec add32(Vec a, Vec b) { return _mm512_add_epi32(a, b); }
  static Vec sub32(Vec a, Vec b) { return _mm512_sub_epi32(a, b); }
  static Vec mul32(Vec a, Vec b) { return _mm512_mullo_epi32(a, b); }
  template <int by>
  static Vec shift32_left(Vec v) { return _mm512_slli_epi32(v, by); }
  static Vec shift16_left2(Vec v) { return _mm512_slli_epi16(v, 2); }
  static void transpose_fours(Vec& a, Vec& b, Vec& c, Vec& d) {
    const Vec ab = _mm512_unpacklo_epi32(a, b), ba = _mm512_unpackhi_epi32(a, b);
    const Vec cd = _mm512_unpacklo_epi32(c, d), dc = _mm512_unpackhi_epi32(c, d);
    a = _mm512_unpacklo_epi64(ab, cd), b = _mm512_unpackhi_epi64(ab, cd);
    c = _mm512_unpacklo_epi64(ba, dc), d = _mm512_unpackhi_epi64(ba, dc);
  }
  static Vec load_quarters(const Cell* p) {
    const auto at = [&](int k) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * k)); };
    const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(at(0)), at(1), 1);
    const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(at(2)), at(3), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
  static void load_fours(const Cell* p, Vec& a, Vec& b, Vec& c, Vec& d) {
    a = load_quarters(p), b = load_quarters(p + 4), c = load_quarters(p + 8), d = load_quarters(p + 12);
    transpose_fours(a, b, c, d);
  }
  static void store_fours(Cell* p, Vec a, Vec b, Vec c, Vec d) {
    transpose_fours(a, b, c, d);
    const Vec fours[] = {a, b, c, d};
    for (int k = 0; k < 4; ++k) {
      const auto put = [&](int quarter, __m128i v) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 4 * k + 16 * quarter), v);
      };
      put(0, _mm512_extracti32x4_epi32(fours[k], 0));
      put(1, _mm512_extracti32x4_epi32(fours[k], 1));
      put(2, _mm512_extracti32x4_epi32(fours[k], 2));
      put(3, _mm512_extracti32x4_epi32(fours[k], 3));
    }
  }
  static void store_last_fours(std::int16_t* to, Vec a, Vec b, Vec c, Vec d, int multiplier) {
    const Vec m = set16(multiplier);
    const Vec ac = _mm512_mulhrs_epi16(pack32(a, c), m), bd = _mm512_mulhrs_epi16(pack32(b, d), m);
    const Vec ab = _mm512_unpacklo_epi16(ac, bd), cd = _mm512_unpackhi_epi16(ac, bd);
    // quarters 0, 0', 1, 1' … of low and high
    const Vec low = _mm512_unpacklo_epi32(ab, cd), high = _mm512_unpackhi_epi32(ab, cd);
    store(to, _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high));
    store(to + 32, _mm512_permutex2var_epi64(low, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), high));
  }
};
#endif

// Cells of four u8 samples; the target's file adds multiply().
template <class Bits>
struct ByteCells : Bits {
  static constexpr int kGroup = 4;
  static void store_cells(Cell* to, std::ptrdiff_t, typename Bits::Vec low, typename Bits::Vec high) {
    Bits::store(to, Bits::bytes_of_four(low, high));
  }
  // Loads cells of four channels as the 16-bit samples of two and two.
  static void load_samples(const Cell* from, std::ptrdiff_t, typename Bits::Vec& low, typename Bits::Vec& high) {
    Bits::fours_of_bytes(Bits::load(from), low, high);
  }
};

// Cells of two 16-bit samples, for processors whose product of bytes can overflow.
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
