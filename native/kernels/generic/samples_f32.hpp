// Converts samples of an image to f32 and back. Part of warp_f32.hpp, which says how it is built.
#pragma once

#include "axis_f32.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

typedef unsigned char Byte;
typedef unsigned short Short;
typedef unsigned int Word;
typedef Word Words __attribute__((vector_size(kLanes * 4)));
typedef Byte Bytes __attribute__((vector_size(16)));
typedef Short Shorts __attribute__((vector_size(16)));
typedef long long TwoLongs __attribute__((vector_size(16)));

template <class T>
struct Few;  // four samples, a vector of samples, two neighbours in one number; the largest value
template <>
struct Few<Byte> {
  typedef Byte Four __attribute__((vector_size(4)));
  typedef Byte Many __attribute__((vector_size(kLanes)));
  typedef Short Pair;
  typedef Short Pairs __attribute__((vector_size(kLanes * 2)));
  static constexpr float most = 255.0f;
};
template <>
struct Few<Short> {
  typedef Short Four __attribute__((vector_size(8)));
  typedef Short Many __attribute__((vector_size(kLanes * 2)));
  typedef Word Pair;
  typedef Words Pairs;
  static constexpr float most = 65535.0f;
};

// A sample outside the image is zero.
template <class T>
inline float sample_at(const T* plane, std::ptrdiff_t offset) {
  return offset < 0 ? 0.0f : static_cast<float>(plane[offset]);
}

inline Quad quad_at(const float* p) { return load<Quad>(p); }
// Interleaves zeros to make ints: by itself GCC 12 splits vectors of four bytes.
inline Quad quad_at(const Short* p) {
  const Shorts few = (Shorts)TwoLongs{load<long long>(p), 0};
  return __builtin_convertvector((IntQuad)__builtin_shufflevector(few, Shorts{}, 0, 8, 1, 9, 2, 10, 3, 11), Quad);
}
inline Quad quad_at(const Byte* p) {
  const Bytes few = (Bytes)IntQuad{load<int>(p), 0, 0, 0};
  const Shorts wide =
      (Shorts)__builtin_shufflevector(few, Bytes{}, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  return __builtin_convertvector((IntQuad)__builtin_shufflevector(wide, Shorts{}, 0, 8, 1, 9, 2, 10, 3, 11), Quad);
}

// Clips and rounds half up.
template <class T, class V, class I>
inline I round_sample(V v) {
  const V low = V{}, high = V{} + Few<T>::most;
  v = v > low ? v : low;
  v = v < high ? v : high;
  return __builtin_convertvector(v + 0.5f, I);
}

inline void store_quad(float* to, Quad q) { store(to, q); }
inline void store_quad(Byte* to, Quad q) {
  store(to, __builtin_convertvector(round_sample<Byte, Quad, IntQuad>(q), Few<Byte>::Four));
}
inline void store_quad(Short* to, Quad q) {
  store(to, __builtin_convertvector(round_sample<Short, Quad, IntQuad>(q), Few<Short>::Four));
}

// Stores the first `count` of four.
template <class T>
inline void store_some(T* to, Quad q, int count) {
  T rest[kQuad];
  store_quad(rest, q);
  for (int j = 0; j < count; ++j) to[j] = rest[j];
}

// Writes `count` samples, four by four; the last time only the rest.
template <class T, class Four>
inline void write(T* to, int count, Four four) {
  int i = 0;
  for (; i + kQuad <= count; i += kQuad) store_quad(to + i, four(i));
  if (i < count) store_some(to + i, four(i), count - i);
}

// Stores the rounded samples of a vector, at most `room` of them.
template <class T>
inline void store_rounded(T* to, Vec v, int room) {
  const auto many = __builtin_convertvector(round_sample<T, Vec, Ints>(v), typename Few<T>::Many);
  if (room >= kLanes) return store(to, many);
  for (int j = 0; j < room; ++j) to[j] = many[j];
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
