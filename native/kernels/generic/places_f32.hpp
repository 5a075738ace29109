// Where the samples of a block of an output row lie in the input: the first half of warp_f32.hpp, which includes
// this and says how it is built.
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
typedef long long TwoPairs __attribute__((vector_size(16)));

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

// NaN becomes low.
inline Vec at_least(Vec v, float low) { return v > fill(low) ? v : fill(low); }
inline Vec at_most(Vec v, float high) { return v < fill(high) ? v : fill(high); }
inline Vec smaller(Vec a, Vec b) { return a < b ? a : b; }
inline Vec larger(Vec a, Vec b) { return a > b ? a : b; }
inline Vec to_float(Ints v) { return __builtin_convertvector(v, Vec); }
inline Vec magnitude(Vec v) { return (Vec)((Ints)v & 0x7fffffff); }

constexpr int kInfinity = 0x7f800000;
constexpr float kWholeFrom = 8388608.0f;  // 2^23: from here on every f32 is whole

// Only for what an int holds; as everywhere here, the places were brought near the picture before.
inline Ints to_int(Vec v) { return __builtin_convertvector(v, Ints); }

// Towards zero; also for what no int holds, and for NaN.
inline Vec truncate(Vec v) {
  const Ints broken = magnitude(v) < fill(kWholeFrom);
  return broken ? to_float(to_int(broken ? v : Vec{})) : v;
}

inline Vec floor_of(Vec v) {
  const Vec whole = truncate(v);
  return whole - (whole > v ? fill(1.0f) : Vec{});
}

// One axis of the picture.
struct Axis {
  int side;
  float scale, low;      // from the grid's -1 … 1 to samples
  float mirror, period;  // where reflection folds first, and after how many samples it repeats
  float last;

  Axis(int n, bool align_corners)
      : side(n),
        scale(static_cast<float>(align_corners ? (n - 1) / 2.0 : n / 2.0)),
        low(align_corners ? 0.0f : -0.5f),
        mirror(align_corners ? 0.0f : -0.5f),
        period(static_cast<float>(align_corners ? 2.0 * (n - 1) : 2.0 * n)),
        last(static_cast<float>(n - 1)) {}
};

inline Vec clamp(Vec place, const Axis& axis) { return at_most(at_least(place, 0.0f), axis.last); }

// Folded at the mirrors, then clamped. What is no finite number becomes the first sample.
inline Vec reflect(Vec place, const Axis& axis) {
  const Vec away = magnitude(place - axis.mirror);
  const Vec rest = away - truncate(away / axis.period) * axis.period;
  return clamp(smaller(rest, axis.period - rest) + axis.mirror, axis);
}

// Within a few samples of the picture, where the cubic's taps are outside as well.
inline Vec near(Vec place, const Axis& axis) {
  return at_most(at_least(place, -4.0f), static_cast<float>(axis.side + 3));
}

template <Outside outside, bool cubic>
inline Vec settle(Vec place, const Axis& axis) {
  if (outside == Outside::zeros || (cubic && outside == Outside::border)) return near(place, axis);
  if (outside == Outside::border) return clamp(place, axis);
  // The cubic's taps are folded one by one.
  if (cubic) return ((Ints)magnitude(place) < fill(kInfinity)) ? place : Vec{};
  return reflect(place, axis);
}

struct Places {
  float x[kBlock], y[kBlock];
  int count, padded;  // whole vectors: the last place is repeated
};

// Where a block's samples lie in the picture.
struct Box {
  Vec left, right, top, bottom;
};

inline float least(Vec v) {
  float m = v[0];
  for (int i = 1; i < kLanes; ++i) m = v[i] < m ? v[i] : m;
  return m;
}

inline int whole(float v, const Axis& axis) { return static_cast<int>(v > 0 ? (v < axis.last ? v : axis.last) : 0); }

constexpr int kLine = 16;  // floats in a line of memory

// Asks for the memory that the same block of one of the next rows will need: places and results there, and of the
// input the lines next to those that this block reads, on both sides. Uneven places touch a line first here, then
// there, and a processor sees no stream in that: on a smooth flow this halves the time. Always inlined: GCC takes
// a function that only prefetches for one without effect.
__attribute__((always_inline)) inline void fetch_ahead(const WarpF32& w, const Axis& ax, const Axis& ay, int row,
                                                       int column, const Box& box) {
  constexpr int next = 2, around = 4;  // rows; measured, twice as many are no better
  const std::ptrdiff_t in = std::ptrdiff_t{w.height} * w.width, out = std::ptrdiff_t{w.rows} * w.columns;
  if (row + next < w.rows) {
    const std::ptrdiff_t start = std::ptrdiff_t{row + next} * w.columns + column;
    const int count = w.columns - column < kBlock ? w.columns - column : kBlock;
    for (int i = 0; i < count; i += kLine) {
      __builtin_prefetch(w.places + (w.flow ? start + i : 2 * (start + i)));
      __builtin_prefetch(w.places + (w.flow ? out + start + i : 2 * (start + i) + kLine));
      for (int c = 0; c < w.channels; ++c) __builtin_prefetch(w.y + c * out + start + i, 1);
    }
  }
  const int first = whole(least(box.left), ax), last = whole(-least(-box.right), ax);
  if (last - first > 4 * kBlock) return;  // scattered: nothing to foresee
  const int top = whole(least(box.top) - around, ay), bottom = whole(-least(-box.bottom) + around, ay);
  for (int c = 0; c < w.channels; ++c)
    for (int i = first; i <= last; i += kLine) {
      __builtin_prefetch(w.x + c * in + std::ptrdiff_t{top} * w.width + i);
      __builtin_prefetch(w.x + c * in + std::ptrdiff_t{bottom} * w.width + i);
    }
}

template <Outside outside, bool cubic>
void find_places(const WarpF32& w, const Axis& ax, const Axis& ay, int row, int first, Places& at) {
  at.count = w.columns - first < kBlock ? w.columns - first : kBlock;
  at.padded = (at.count + kLanes - 1) / kLanes * kLanes;
  const std::ptrdiff_t start = std::ptrdiff_t{row} * w.columns + first;
  if (w.flow) {
    const float *to_x = w.places + start, *to_y = to_x + std::ptrdiff_t{w.rows} * w.columns;
    for (int i = 0; i < at.count; ++i) {
      at.x[i] = static_cast<float>(first + i) + to_x[i];
      at.y[i] = static_cast<float>(row) + to_y[i];
    }
  } else {
    const float* grid = w.places + 2 * start;
    for (int i = 0; i < at.count; ++i) {
      at.x[i] = (grid[2 * i] + 1.0f) * ax.scale + ax.low;
      at.y[i] = (grid[2 * i + 1] + 1.0f) * ay.scale + ay.low;
    }
  }
  for (int i = at.count; i < at.padded; ++i) at.x[i] = at.x[at.count - 1], at.y[i] = at.y[at.count - 1];
  Box box = {fill(ax.last), Vec{}, fill(ay.last), Vec{}};
  for (int i = 0; i < at.padded; i += kLanes) {
    const Vec x = settle<outside, cubic>(load<Vec>(at.x + i), ax), y = settle<outside, cubic>(load<Vec>(at.y + i), ay);
    store(at.x + i, x);
    store(at.y + i, y);
    box = {smaller(x, box.left), larger(x, box.right), smaller(y, box.top), larger(y, box.bottom)};
  }
  fetch_ahead(w, ax, ay, row, first, box);
}

// No lane has a bit.
template <class V>
inline bool none(V v) {
  int any = 0;
  for (std::size_t i = 0; i < sizeof v / sizeof any; ++i) any |= v[i];
  return any == 0;
}

// All bits where the index is no sample's, so that or-ing it into an offset makes -1 of it. Signs instead of
// comparisons: compilers take the and of two masks of the widest vectors apart into single lanes.
inline Ints beyond(Ints index, int side) { return (index | (fill(side - 1) - index)) >> 31; }

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
