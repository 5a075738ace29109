// f32 sampling at arbitrary places, written once over a vector of kLanes floats. Each target's file defines
// SUBPIXEL_TARGET_NS and kLanes before including this. As in conv_f32.hpp nothing of the standard library may be
// instantiated here.
//
// These files are built with -ffp-contract=off: every target, and NumPy's version in ops/sampling.py, which does
// the same operations in the same order, give the same bits.
//
// First come the places of a block and what follows from them, wide; then, for each channel, the samples: those
// wholly inside by loads of neighbours (two at a time for bilinear, four for bicubic), the others one by one. No
// address is made from a place that was not compared with the sides as a whole number first.

#include "places_f32.hpp"
#include "subpixel/warp.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// A sample that is not there is zero.
inline float sample_at(const float* plane, int offset) { return offset < 0 ? 0.0f : plane[offset]; }

// Each channel's plane in turn, and where its result goes.
template <class Body>
inline void each_channel(const WarpF32& w, int row, int first, Body body) {
  const std::ptrdiff_t plane = std::ptrdiff_t{w.height} * w.width, out = std::ptrdiff_t{w.rows} * w.columns;
  const float* from = w.x;
  float* to = w.y + std::ptrdiff_t{row} * w.columns + first;
  for (int c = 0; c < w.channels; ++c, from += plane, to += out) body(from, to);
}

// Writes `count` floats, four by four; of the last four as many as there is room for.
template <class Four>
inline void write(float* to, int count, Four four) {
  int i = 0;
  for (; i + kQuad <= count; i += kQuad) store(to + i, four(i));
  if (i == count) return;
  float rest[kQuad];
  store(rest, four(i));
  for (int j = 0; i + j < count; ++j) to[i + j] = rest[j];
}

// Halves to the even neighbour.
inline Ints nearest_to(Vec place) {
  const Vec below = floor_of(place), part = place - below;
  const Ints index = to_int(below);
  // From an odd one upwards already at the half: the number just below 0.5 has bits one less.
  const Vec limit = (Vec)(fill(0x3f000000) - (index & 1));
  return index - (part > limit);  // true is -1
}

template <Outside outside>
void nearest(const WarpF32& w, const Axis& ax, const Axis& ay, int row, int first) {
  Places at;
  find_places<outside, false>(w, ax, ay, row, first, at);
  int offset[kBlock];
  Ints apart = fill(0);
  for (int i = 0; i < at.padded; i += kLanes) {
    const Ints x = nearest_to(load<Vec>(at.x + i)), y = nearest_to(load<Vec>(at.y + i));
    const Ints none = beyond(x, w.width) | beyond(y, w.height);
    store(offset + i, (y * w.width + x) | none);
    apart |= none;
  }
  const bool all = none(apart);
  each_channel(w, row, first, [&](const float* from, float* to) {
    if (all)
      for (int i = 0; i < at.count; ++i) to[i] = from[offset[i]];
    else
      for (int i = 0; i < at.count; ++i) to[i] = sample_at(from, offset[i]);
  });
}

// (a0 + a1, a2 + a3, b0 + b1, b2 + b3)
inline Quad add_neighbours(Quad a, Quad b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6) + __builtin_shufflevector(a, b, 1, 3, 5, 7);
}

// Two neighbours at each of two places.
inline Quad load_pairs(const float* p, const float* q) {
  return (Quad)TwoPairs{load<long long>(p), load<long long>(q)};
}

inline Quad edge_pairs(const float* plane, const int* left, const int* right) {
  return Quad{sample_at(plane, left[0]), sample_at(plane, right[0]), sample_at(plane, left[1]),
              sample_at(plane, right[1])};
}

// The weights of each axis, in the order in which pairs are loaded, and where the four samples lie.
struct Corners {
  float upper[2 * kBlock], lower[2 * kBlock], across[2 * kBlock];
  int offset[4][kBlock];  // of all four, -1 where there is none
  int apart[kBlock];      // one of the four is outside
  bool inside;            // none of all
};

void find_corners(const WarpF32& w, const Places& at, Corners& k) {
  float tx[kBlock], ty[kBlock];
  Ints apart = fill(0);
  for (int i = 0; i < at.padded; i += kLanes) {
    const Vec px = load<Vec>(at.x + i), py = load<Vec>(at.y + i);
    const Vec left = floor_of(px), top = floor_of(py);
    store(tx + i, px - left);
    store(ty + i, py - top);
    const Ints x = to_int(left), y = to_int(top), corner = y * w.width + x;
    const Ints no_x[2] = {beyond(x, w.width), beyond(x + 1, w.width)};
    const Ints no_y[2] = {beyond(y, w.height), beyond(y + 1, w.height)};
    for (int c = 0; c < 4; ++c)
      store(k.offset[c] + i, (corner + (c / 2 * w.width + c % 2)) | no_x[c % 2] | no_y[c / 2]);
    const Ints some = no_x[0] | no_x[1] | no_y[0] | no_y[1];
    store(k.apart + i, some);
    apart |= some;
  }
  k.inside = none(apart);
  for (int i = 0; i < at.padded; ++i) {
    k.upper[2 * i] = k.upper[2 * i + 1] = 1.0f - ty[i];
    k.lower[2 * i] = k.lower[2 * i + 1] = ty[i];
    k.across[2 * i] = 1.0f - tx[i];
    k.across[2 * i + 1] = tx[i];
  }
}

inline Quad bilinear_quad(const float* plane, const Corners& k, int i, int width, bool inside) {
  Quad sum[2];
  for (int h = 0; h < 2; ++h) {
    const int j = i + 2 * h;
    Quad upper, lower;
    if (inside) {
      const float *one = plane + k.offset[0][j], *two = plane + k.offset[0][j + 1];
      upper = load_pairs(one, two);
      lower = load_pairs(one + width, two + width);
    } else {
      upper = edge_pairs(plane, k.offset[0] + j, k.offset[1] + j);
      lower = edge_pairs(plane, k.offset[2] + j, k.offset[3] + j);
    }
    sum[h] = (upper * load<Quad>(k.upper + 2 * j) + lower * load<Quad>(k.lower + 2 * j)) *
             load<Quad>(k.across + 2 * j);
  }
  return add_neighbours(sum[0], sum[1]);
}

template <Outside outside>
void bilinear(const WarpF32& w, const Axis& ax, const Axis& ay, int row, int first) {
  Places at;
  find_places<outside, false>(w, ax, ay, row, first, at);
  Corners k;
  find_corners(w, at, k);
  each_channel(w, row, first, [&](const float* from, float* to) {
    if (k.inside)
      write(to, at.count, [&](int i) { return bilinear_quad(from, k, i, w.width, true); });
    else
      write(to, at.count, [&](int i) {
        return bilinear_quad(from, k, i, w.width, none(load<IntQuad>(k.apart + i)));
      });
  });
}

// The cubic's weights on each axis, and its sixteen samples.
struct Taps {
  float x[4 * kBlock], y[4][kBlock];
  int offset[kBlock];                        // of the first sample; -1 where some are outside
  int column[4][kBlock], line[4][kBlock];  // then of each, -1 where there is none
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
inline Ints tap_index(Vec place, const Axis& axis) {
  if (outside == Outside::reflection) return to_int(reflect(place, axis));
  if (outside == Outside::border) return to_int(clamp(place, axis));
  const Ints index = to_int(place);
  return index | beyond(index, axis.side);
}

template <Outside outside>
void find_taps(const WarpF32& w, const Axis& ax, const Axis& ay, const Places& at, Taps& k) {
  const Cubic cubic(w.a);
  float weight[4][kBlock];
  for (int i = 0; i < at.padded; i += kLanes) {
    const Vec px = load<Vec>(at.x + i), py = load<Vec>(at.y + i);
    const Vec left = floor_of(px), top = floor_of(py);
    Vec wx[4], wy[4];
    cubic.weights(px - left, wx);
    cubic.weights(py - top, wy);
    const Ints x = to_int(near(left, ax)) - 1, y = to_int(near(top, ay)) - 1;
    store(k.offset + i, (y * w.width + x) | beyond(x, w.width - 3) | beyond(y, w.height - 3));
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

inline Quad edge_line(const float* plane, const Taps& k, int i, int line, int width) {
  if (line < 0) return Quad{};
  plane += std::ptrdiff_t{line} * width;
  return Quad{sample_at(plane, k.column[0][i]), sample_at(plane, k.column[1][i]), sample_at(plane, k.column[2][i]),
              sample_at(plane, k.column[3][i])};
}

// The four columns' sums, weighted, still apart.
inline Quad bicubic_columns(const float* plane, const Taps& k, int i, int width) {
  Quad line[4];
  if (k.offset[i] >= 0)
    for (int t = 0; t < 4; ++t) line[t] = load<Quad>(plane + k.offset[i] + std::ptrdiff_t{t} * width);
  else
    for (int t = 0; t < 4; ++t) line[t] = edge_line(plane, k, i, k.line[t][i], width);
  const Quad above = line[0] * k.y[0][i] + line[1] * k.y[1][i], below = line[2] * k.y[2][i] + line[3] * k.y[3][i];
  return (above + below) * load<Quad>(k.x + 4 * i);
}

template <Outside outside>
void bicubic(const WarpF32& w, const Axis& ax, const Axis& ay, int row, int first) {
  Places at;
  find_places<outside, true>(w, ax, ay, row, first, at);
  Taps k;
  find_taps<outside>(w, ax, ay, at, k);
  each_channel(w, row, first, [&](const float* from, float* to) {
    write(to, at.count, [&](int i) {
      Quad q[4];
      for (int j = 0; j < 4; ++j) q[j] = bicubic_columns(from, k, i + j, w.width);
      return add_neighbours(add_neighbours(q[0], q[1]), add_neighbours(q[2], q[3]));
    });
  });
}

template <Outside outside>
void sample(const WarpF32& w, const Axis& ax, const Axis& ay, int row, int first) {
  switch (w.sampling) {
    case Sampling::nearest: return nearest<outside>(w, ax, ay, row, first);
    case Sampling::bilinear: return bilinear<outside>(w, ax, ay, row, first);
    case Sampling::bicubic: return bicubic<outside>(w, ax, ay, row, first);
  }
}

}  // namespace

void warp_block_f32(const WarpF32& w, int row, int first) {
  const Axis ax(w.width, w.align_corners), ay(w.height, w.align_corners);
  switch (w.outside) {
    case Outside::zeros: return sample<Outside::zeros>(w, ax, ay, row, first);
    case Outside::border: return sample<Outside::border>(w, ax, ay, row, first);
    case Outside::reflection: return sample<Outside::reflection>(w, ax, ay, row, first);
  }
}

}  // namespace subpixel::SUBPIXEL_TARGET_NS
