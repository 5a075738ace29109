// The samples and weights of a block's positions. Part of warp_f32.hpp, which says how it is built.
#pragma once

#include "sample_positions.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// The index of the first pixel that must be read sample by sample. Pixels of two or three samples are read as four,
// which for the very last pixel would leave the image.
inline int first_partial_pixel(const Warp& w) {
  const int pixels = w.height * w.width;
  return w.channels_last && w.channels < kQuad ? pixels - 1 : pixels;
}

// The weights on each axis, and the offsets of the four samples.
struct Corners {
  float left[kBlock], right[kBlock], top[kBlock], bottom[kBlock];
  int offset[4][kBlock];  // of all four, -1 if outside
  int edge[kBlock];      // one of the four is outside, or must be read sample by sample
  bool inside;            // no position has an edge
};

void find_corners(const Warp& w, const Positions& at, Corners& k) {
  const int end = first_partial_pixel(w);
  Ints edge = fill(0);
  for (int i = 0; i < at.padded; i += kLanes) {
    const Vec px = load<Vec>(at.x + i), py = load<Vec>(at.y + i);
    const Vec left = floor_of(px), top = floor_of(py), tx = px - left, ty = py - top;
    store(k.left + i, 1.0f - tx);
    store(k.right + i, tx);
    store(k.top + i, 1.0f - ty);
    store(k.bottom + i, ty);
    const Ints x = to_int(left), y = to_int(top), corner = y * w.width + x;
    const Ints no_x[2] = {beyond(x, w.width), beyond(x + 1, w.width)};
    const Ints no_y[2] = {beyond(y, w.height), beyond(y + 1, w.height)};
    for (int c = 0; c < 4; ++c)
      store(k.offset[c] + i, (corner + (c / 2 * w.width + c % 2)) | no_x[c % 2] | no_y[c / 2]);
    const Ints late = (end - 1 - (corner + (w.width + 1))) >> 31;
    const Ints some = no_x[0] | no_x[1] | no_y[0] | no_y[1] | late;
    store(k.edge + i, some);
    edge |= some;
  }
  k.inside = none(edge);
}

// The cubic's weights on each axis, and its sixteen samples.
struct Taps {
  float x[4 * kBlock], y[4][kBlock];
  int offset[kBlock];                        // of the first sample; -1 if some are outside or must be read one by one
  int column[4][kBlock], line[4][kBlock];  // then of each, -1 if outside
};

// Keys 1981 with a free parameter, at the distances t + 1, t, 1 - t and 2 - t.
struct Cubic {
  float a, a2, a3, a4, a5, a8;

  explicit Cubic(double p)
      : a(static_cast<float>(p)), a2(static_cast<float>(p + 2)), a3(static_cast<float>(p + 3)),
        a4(static_cast<float>(4 * p)), a5(static_cast<float>(5 * p)), a8(static_cast<float>(8 * p)) {}

  Vec inner(Vec d) const { return (a2 * d - a3) * d * d + 1.0f; }
  Vec outer(Vec d) const { return ((a * d - a5) * d + a8) * d - a4; }
  void weights(Vec t, Vec* weight) const {
    const Vec back = 1.0f - t;
    weight[0] = outer(t + 1.0f);
    weight[1] = inner(t);
    weight[2] = inner(back);
    weight[3] = outer(back + 1.0f);
  }
};

template <Outside outside>
inline Ints tap_index(Vec position, const Axis& axis) {
  if (outside == Outside::reflection) return to_int(reflect(position, axis));
  if (outside == Outside::border) return to_int(clamp(position, axis));
  const Ints index = to_int(position);
  return index | beyond(index, axis.side);
}

template <Outside outside>
void find_taps(const Warp& w, const Axis& ax, const Axis& ay, const Positions& at, Taps& k) {
  const Cubic cubic(w.a);
  const int end = first_partial_pixel(w);
  float weight[4][kBlock];
  for (int i = 0; i < at.padded; i += kLanes) {
    const Vec px = load<Vec>(at.x + i), py = load<Vec>(at.y + i);
    const Vec left = floor_of(px), top = floor_of(py);
    Vec wx[4], wy[4];
    cubic.weights(px - left, wx);
    cubic.weights(py - top, wy);
    const Ints x = to_int(near(left, ax)) - 1, y = to_int(near(top, ay)) - 1;
    const Ints corner = y * w.width + x, late = (end - 1 - (corner + 3 * (w.width + 1))) >> 31;
    store(k.offset + i, corner | beyond(x, w.width - 3) | beyond(y, w.height - 3) | late);
    for (int t = 0; t < 4; ++t) {
      store(weight[t] + i, wx[t]);
      store(k.y[t] + i, wy[t]);
      store(k.column[t] + i, tap_index<outside>(left + static_cast<float>(t - 1), ax));
      store(k.line[t] + i, tap_index<outside>(top + static_cast<float>(t - 1), ay));
    }
  }
  for (int i = 0; i < at.padded; ++i)
    for (int t = 0; t < 4; ++t) k.x[4 * i + t] = weight[t][i];
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
