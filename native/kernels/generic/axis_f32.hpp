// Vectors of floats, and the positions on one axis of an image. Part of warp_f32.hpp, which says how it is built.
#pragma once

#include "subpixel/warp.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

constexpr int kBlock = kWarpBlock, kQuad = 4;
static_assert(kBlock % kLanes == 0 && kLanes % kQuad == 0, "blocks are whole vectors, vectors whole quads");

typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef int Ints __attribute__((vector_size(kLanes * 4)));
typedef int IntQuad __attribute__((vector_size(16)));
typedef float Quad __attribute__((vector_size(16)));

template <class V, class T>
inline V load(const T* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class V, class T>
inline void store(T* p, V v) {
  __builtin_memcpy(p, &v, sizeof v);
}

inline Vec fill(float f) { return Vec{} + f; }
inline Ints fill(int i) { return Ints{} + i; }

inline Ints counting() {
  Ints v;
  for (int i = 0; i < kLanes; ++i) v[i] = i;
  return v;
}

// NaN becomes low.
inline Vec at_least(Vec v, float low) { return v > fill(low) ? v : fill(low); }
inline Vec at_most(Vec v, float high) { return v < fill(high) ? v : fill(high); }
inline Vec smaller(Vec a, Vec b) { return a < b ? a : b; }
inline Vec larger(Vec a, Vec b) { return a > b ? a : b; }
inline Vec to_float(Ints v) { return __builtin_convertvector(v, Vec); }
inline Vec magnitude(Vec v) { return (Vec)((Ints)v & 0x7fffffff); }

constexpr int kInfinity = 0x7f800000;
constexpr float kWholeFrom = 8388608.0f;  // 2^23: from here on every f32 is an integer

// Only for values that fit an int: positions have been limited to the image's surroundings before.
inline Ints to_int(Vec v) { return __builtin_convertvector(v, Ints); }

// Rounds towards zero; values beyond int and NaN stay as they are.
inline Vec truncate(Vec v) {
  const Ints broken = magnitude(v) < fill(kWholeFrom);
  return broken ? to_float(to_int(broken ? v : Vec{})) : v;
}

inline Vec floor_of(Vec v) {
  const Vec whole = truncate(v);
  return whole - (whole > v ? fill(1.0f) : Vec{});
}

// One axis of the image.
struct Axis {
  int side;
  float scale, low;      // from the grid's -1 … 1 to samples
  float mirror, period;  // where reflection folds first, and its period in samples
  float last;

  Axis(int n, bool align_corners)
      : side(n),
        scale(static_cast<float>(align_corners ? (n - 1) / 2.0 : n / 2.0)),
        low(align_corners ? 0.0f : -0.5f),
        mirror(align_corners ? 0.0f : -0.5f),
        period(static_cast<float>(align_corners ? 2.0 * (n - 1) : 2.0 * n)),
        last(static_cast<float>(n - 1)) {}
};

inline Vec from_grid(Vec value, const Axis& axis) { return (value + 1.0f) * axis.scale + axis.low; }

inline Vec clamp(Vec position, const Axis& axis) { return at_most(at_least(position, 0.0f), axis.last); }

// Folds at the mirrors, then clamps. A position that is not finite becomes the first sample.
inline Vec reflect(Vec position, const Axis& axis) {
  const Vec away = magnitude(position - axis.mirror);
  const Vec rest = away - truncate(away / axis.period) * axis.period;
  return clamp(smaller(rest, axis.period - rest) + axis.mirror, axis);
}

// Limits a position to a few samples around the image, where all taps of the cubic are outside as well.
inline Vec near(Vec position, const Axis& axis) {
  return at_most(at_least(position, -4.0f), static_cast<float>(axis.side + 3));
}

template <Outside outside, bool cubic>
inline Vec map_outside(Vec position, const Axis& axis) {
  if (outside == Outside::zeros || (cubic && outside == Outside::border)) return near(position, axis);
  if (outside == Outside::border) return clamp(position, axis);
  // The cubic's taps are folded one by one.
  if (cubic) return ((Ints)magnitude(position) < fill(kInfinity)) ? position : Vec{};
  return reflect(position, axis);
}

// Whether no lane has a bit set.
template <class V>
inline bool none(V v) {
  int any = 0;
  for (std::size_t i = 0; i < sizeof v / sizeof any; ++i) any |= v[i];
  return any == 0;
}

// All bits if the index is outside: or-ing it into an offset gives -1. Uses signs instead of comparisons, because
// compilers split the conjunction of two masks of the widest vectors into single lanes.
inline Ints beyond(Ints index, int side) { return (index | (fill(side - 1) - index)) >> 31; }

// Rounds halves to the even neighbour.
inline Ints nearest_to(Vec position) {
  const Vec below = floor_of(position), part = position - below;
  const Ints index = to_int(below);
  // An odd neighbour rounds up from the half on: the bits of the number just below 0.5 are one less.
  const Vec limit = (Vec)(fill(0x3f000000) - (index & 1));
  return index - (part > limit);  // true is -1
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
