// Transposes rows to columns and back, in squares of 16-byte vectors.
#pragma once

#include "subpixel/resample.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

template <int Size>
struct Square;
template <>
struct Square<1> {
  typedef unsigned char V __attribute__((vector_size(16)));
  static V low(V a, V b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  }
  static V high(V a, V b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  }
};
template <>
struct Square<2> {
  typedef unsigned short V __attribute__((vector_size(16)));
  static V low(V a, V b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
  static V high(V a, V b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
};
template <>
struct Square<4> {
  typedef float V __attribute__((vector_size(16)));
  static V low(V a, V b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
  static V high(V a, V b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
};
template <>
struct Square<8> {
  typedef double V __attribute__((vector_size(16)));
  static V low(V a, V b) { return __builtin_shufflevector(a, b, 0, 2); }
  static V high(V a, V b) { return __builtin_shufflevector(a, b, 1, 3); }
};

// Transposes by interleaving the first half of the vectors with the second, as often as a vector can be halved.
template <int Size, int Rounds>
inline void transpose(typename Square<Size>::V* v) {
  if constexpr (Rounds > 1) {
    constexpr int n = 16 / Size;
    typename Square<Size>::V w[n];
    for (int i = 0; i < n / 2; ++i) {
      w[2 * i] = Square<Size>::low(v[i], v[i + n / 2]);
      w[2 * i + 1] = Square<Size>::high(v[i], v[i + n / 2]);
    }
    transpose<Size, Rounds / 2>(w);
    for (int i = 0; i < n; ++i) v[i] = w[i];
  }
}

template <int Size>
void transpose_in(const void* const* rows, int row_count, std::ptrdiff_t count, void* transposed, int lanes) {
  constexpr int n = 16 / Size;
  for (int strip = 0; strip < lanes; strip += n) {
    const char* row[n];
    for (int i = 0; i < n; ++i)
      row[i] = static_cast<const char*>(rows[strip + i < row_count ? strip + i : row_count - 1]);
    char* to = static_cast<char*>(transposed) + strip * Size;
    std::ptrdiff_t c = 0;
    for (; c + n <= count; c += n) {
      typename Square<Size>::V v[n];
      for (int i = 0; i < n; ++i) __builtin_memcpy(&v[i], row[i] + c * Size, 16);
      transpose<Size, n>(v);
      for (int i = 0; i < n; ++i) __builtin_memcpy(to + (c + i) * lanes * Size, &v[i], 16);
    }
    for (; c < count; ++c)
      for (int i = 0; i < n; ++i) __builtin_memcpy(to + (c * lanes + i) * Size, row[i] + c * Size, Size);
  }
}

template <int Size>
void transpose_out(const void* transposed, int lanes, void* const* rows, int row_count, std::ptrdiff_t count) {
  constexpr int n = 16 / Size;
  for (int strip = 0; strip < row_count; strip += n) {
    const int some = row_count - strip < n ? row_count - strip : n;
    const char* from = static_cast<const char*>(transposed) + strip * Size;
    std::ptrdiff_t c = 0;
    for (; c + n <= count; c += n) {
      typename Square<Size>::V v[n];
      for (int i = 0; i < n; ++i) __builtin_memcpy(&v[i], from + (c + i) * lanes * Size, 16);
      transpose<Size, n>(v);
      for (int i = 0; i < some; ++i) __builtin_memcpy(static_cast<char*>(rows[strip + i]) + c * Size, &v[i], 16);
    }
    for (; c < count; ++c)
      for (int i = 0; i < some; ++i)
        __builtin_memcpy(static_cast<char*>(rows[strip + i]) + c * Size, from + (c * lanes + i) * Size, Size);
  }
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
