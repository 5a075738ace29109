// The positions in the input of a block of an output row: the first half of warp_f32.hpp, which says how it is built.
#pragma once

#include "axis_f32.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// The layout of an image: planes one after the other, or one plane whose pixels hold all channels.
struct Planes {
  int count;
  std::ptrdiff_t in, out, pixel;  // bytes of a plane of the input, of the result, and of a pixel

  explicit Planes(const Warp& w)
      : count(w.channels_last ? 1 : w.channels),
        pixel(std::ptrdiff_t{bytes_of(w.sample)} * (w.channels_last ? w.channels : 1)) {
    in = std::ptrdiff_t{w.height} * w.width * pixel;
    out = std::ptrdiff_t{w.rows} * w.columns * pixel;
  }
};

struct Positions {
  float x[kBlock], y[kBlock];
  int count, padded;  // whole vectors: the last position is repeated
};

// The bounding box of a block's positions.
struct Box {
  Vec left, right, top, bottom;
};

inline float least(Vec v) {
  float m = v[0];
  for (int i = 1; i < kLanes; ++i) m = v[i] < m ? v[i] : m;
  return m;
}

inline int whole(float v, const Axis& axis) { return static_cast<int>(v > 0 ? (v < axis.last ? v : axis.last) : 0); }

constexpr int kLine = 64;  // bytes in a cache line

// Prefetches the memory that the same block of one of the next rows will need: positions and results there, and the
// input lines next to those that this block reads, on both sides. Uneven positions touch lines in no regular order, so
// a processor detects no stream; on a smooth flow prefetching halves the time. Always inlined: GCC takes a function
// that only prefetches for one without effect.
__attribute__((always_inline)) inline void fetch_ahead(const Warp& w, const Axis& ax, const Axis& ay, int row,
                                                       int column, const Box& box) {
  constexpr int next = 2, around = 4;  // rows; measured: twice as many are no better
  const Planes planes(w);
  if (planes.pixel > kLine) return;  // a pixel is a stream of its own
  if (row + next < w.rows) {
    const std::ptrdiff_t start = std::ptrdiff_t{row + next} * w.columns + column;
    const int count = w.columns - column < kBlock ? w.columns - column : kBlock;
    const std::ptrdiff_t second = w.positions_last ? kBlock : std::ptrdiff_t{w.rows} * w.columns;
    const float* positions = w.positions + (w.positions_last ? 2 * start : start);
    for (int i = 0; i < count; i += kLine / 4) {
      __builtin_prefetch(positions + i);
      __builtin_prefetch(positions + second + i);
    }
    const char* to = static_cast<const char*>(w.y) + start * planes.pixel;
    for (int c = 0; c < planes.count; ++c, to += planes.out)
      for (std::ptrdiff_t i = 0; i < count * planes.pixel; i += kLine) __builtin_prefetch(to + i, 1);
  }
  const int first = whole(least(box.left), ax), last = whole(-least(-box.right), ax);
  if (last - first > 4 * kBlock) return;  // scattered: nothing to predict
  const int top = whole(least(box.top) - around, ay), bottom = whole(-least(-box.bottom) + around, ay);
  const char* from = static_cast<const char*>(w.x);
  for (int c = 0; c < planes.count; ++c, from += planes.in)
    for (std::ptrdiff_t i = first * planes.pixel; i < (last + 1) * planes.pixel; i += kLine) {
      __builtin_prefetch(from + std::ptrdiff_t{top} * w.width * planes.pixel + i);
      __builtin_prefetch(from + std::ptrdiff_t{bottom} * w.width * planes.pixel + i);
    }
}

inline void read_positions(const Warp& w, std::ptrdiff_t start, Positions& at) {
  if (w.positions_last) {
    const float* from = w.positions + 2 * start;
    for (int i = 0; i < at.count; ++i) at.x[i] = from[2 * i], at.y[i] = from[2 * i + 1];
  } else {
    const float *from_x = w.positions + start, *from_y = from_x + std::ptrdiff_t{w.rows} * w.columns;
    for (int i = 0; i < at.count; ++i) at.x[i] = from_x[i], at.y[i] = from_y[i];
  }
  for (int i = at.count; i < at.padded; ++i) at.x[i] = at.x[at.count - 1], at.y[i] = at.y[at.count - 1];
}

template <Outside outside, bool cubic>
void find_positions(const Warp& w, const Axis& ax, const Axis& ay, int row, int first, Positions& at) {
  at.count = w.columns - first < kBlock ? w.columns - first : kBlock;
  at.padded = (at.count + kLanes - 1) / kLanes * kLanes;
  read_positions(w, std::ptrdiff_t{row} * w.columns + first, at);
  Box box = {fill(ax.last), Vec{}, fill(ay.last), Vec{}};
  Ints index = fill(first + w.first_column) + counting();
  for (int i = 0; i < at.padded; i += kLanes, index += kLanes) {
    const Vec px = load<Vec>(at.x + i), py = load<Vec>(at.y + i);
    const Vec x = map_outside<outside, cubic>(w.flow ? to_float(index) + px : from_grid(px, ax), ax);
    const Vec y = map_outside<outside, cubic>(w.flow ? static_cast<float>(row + w.first_row) + py : from_grid(py, ay), ay);
    store(at.x + i, x);
    store(at.y + i, y);
    box = {smaller(x, box.left), larger(x, box.right), smaller(y, box.top), larger(y, box.bottom)};
  }
  fetch_ahead(w, ax, ay, row, first, box);
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
