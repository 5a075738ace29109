// Bilinear and bicubic sums of whole planes. Part of warp_f32.hpp, which says how it is built.
#pragma once

#include "samples_f32.hpp"
#include "taps_f32.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// Calls body with each channel's plane and the address of its result.
template <class T, class Body>
inline void each_channel(const Warp& w, int row, int first, Body body) {
  const std::ptrdiff_t plane = std::ptrdiff_t{w.height} * w.width, out = std::ptrdiff_t{w.rows} * w.columns;
  const T* from = static_cast<const T*>(w.x);
  T* to = static_cast<T*>(w.y) + std::ptrdiff_t{row} * w.columns + first;
  for (int c = 0; c < w.channels; ++c, from += plane, to += out) body(from, to);
}

// f32: two positions at a time, with neighbours side by side as they were loaded.

// (a0 + a1, a2 + a3, b0 + b1, b2 + b3)
inline Quad add_neighbours(Quad a, Quad b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6) + __builtin_shufflevector(a, b, 1, 3, 5, 7);
}

// Two neighbours at each of two positions.
inline Quad load_pairs(const float* p, const float* q) {
  return (Quad)TwoLongs{load<long long>(p), load<long long>(q)};
}

inline Quad edge_pairs(const float* plane, const int* left, const int* right) {
  return Quad{sample_at(plane, left[0]), sample_at(plane, right[0]), sample_at(plane, left[1]),
              sample_at(plane, right[1])};
}

// The weights, in the order in which pairs are loaded.
struct PairWeights {
  float upper[2 * kBlock], lower[2 * kBlock], across[2 * kBlock];

  PairWeights(const Corners& k, int count) {
    for (int i = 0; i < count; ++i) {
      upper[2 * i] = upper[2 * i + 1] = k.top[i];
      lower[2 * i] = lower[2 * i + 1] = k.bottom[i];
      across[2 * i] = k.left[i];
      across[2 * i + 1] = k.right[i];
    }
  }
};

inline Quad bilinear_quad(const float* plane, const Corners& k, const PairWeights& weight, int i, int width,
                          bool inside) {
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
    sum[h] = (upper * load<Quad>(weight.upper + 2 * j) + lower * load<Quad>(weight.lower + 2 * j)) *
             load<Quad>(weight.across + 2 * j);
  }
  return add_neighbours(sum[0], sum[1]);
}

void bilinear_planes(const Warp& w, const Positions& at, const Corners& k, int row, int first, float) {
  const PairWeights weight(k, at.padded);
  each_channel<float>(w, row, first, [&](const float* from, float* to) {
    if (k.inside)
      write(to, at.count, [&](int i) { return bilinear_quad(from, k, weight, i, w.width, true); });
    else
      write(to, at.count, [&](int i) {
        return bilinear_quad(from, k, weight, i, w.width, none(load<IntQuad>(k.edge + i)));
      });
  });
}

// Integers: first the neighbours of all positions are collected, then the sums are computed, a vector of positions at a
// time.

template <class T>
struct PairRows {
  typename Few<T>::Pair upper[kBlock], lower[kBlock];
};

template <class T>
inline typename Few<T>::Pair pair_of(const T* plane, int left, int right) {
  const T both[2] = {left < 0 ? T{} : plane[left], right < 0 ? T{} : plane[right]};
  return load<typename Few<T>::Pair>(both);
}

template <class T>
void collect(const T* from, const Corners& k, int count, int width, PairRows<T>& rows) {
  for (int i = 0; i < count; ++i) {
    if (k.inside || k.edge[i] == 0) {
      const T* corner = from + k.offset[0][i];
      rows.upper[i] = load<typename Few<T>::Pair>(corner);
      rows.lower[i] = load<typename Few<T>::Pair>(corner + width);
    } else {
      rows.upper[i] = pair_of(from, k.offset[0][i], k.offset[1][i]);
      rows.lower[i] = pair_of(from, k.offset[2][i], k.offset[3][i]);
    }
  }
}

// The samples of pairs, stored in the order of a little-endian machine; Few<T> knows no other.
template <class T>
inline Vec left_of(Words pairs) {
  return to_float((Ints)(pairs & static_cast<Word>(Few<T>::most)));
}
template <class T>
inline Vec right_of(Words pairs) {
  return to_float((Ints)(pairs >> (8 * sizeof(T))));
}

template <class T>
void bilinear_planes(const Warp& w, const Positions& at, const Corners& k, int row, int first, T) {
  PairRows<T> rows;
  typedef typename Few<T>::Pairs Pairs;
  each_channel<T>(w, row, first, [&](const T* from, T* to) {
    collect(from, k, at.padded, w.width, rows);
    for (int i = 0; i < at.count; i += kLanes) {
      const Words upper = __builtin_convertvector(load<Pairs>(rows.upper + i), Words);
      const Words lower = __builtin_convertvector(load<Pairs>(rows.lower + i), Words);
      const Vec top = load<Vec>(k.top + i), bottom = load<Vec>(k.bottom + i);
      const Vec left = (left_of<T>(upper) * top + left_of<T>(lower) * bottom) * load<Vec>(k.left + i);
      const Vec right = (right_of<T>(upper) * top + right_of<T>(lower) * bottom) * load<Vec>(k.right + i);
      store_rounded(to + i, left + right, at.count - i);
    }
  });
}

template <class T>
inline Quad edge_line(const T* plane, const Taps& k, int i, int line, int width) {
  if (line < 0) return Quad{};
  plane += std::ptrdiff_t{line} * width;
  return Quad{sample_at(plane, k.column[0][i]), sample_at(plane, k.column[1][i]), sample_at(plane, k.column[2][i]),
              sample_at(plane, k.column[3][i])};
}

// The sums of the four columns, weighted, not yet added.
template <class T>
inline Quad bicubic_columns(const T* plane, const Taps& k, int i, int width) {
  Quad line[4];
  if (k.offset[i] >= 0)
    for (int t = 0; t < 4; ++t) line[t] = quad_at(plane + k.offset[i] + std::ptrdiff_t{t} * width);
  else
    for (int t = 0; t < 4; ++t) line[t] = edge_line(plane, k, i, k.line[t][i], width);
  const Quad above = line[0] * k.y[0][i] + line[1] * k.y[1][i], below = line[2] * k.y[2][i] + line[3] * k.y[3][i];
  return (above + below) * load<Quad>(k.x + 4 * i);
}

template <class T>
void bicubic_planes(const Warp& w, const Positions& at, const Taps& k, int row, int first) {
  each_channel<T>(w, row, first, [&](const T* from, T* to) {
    write(to, at.count, [&](int i) {
      Quad q[4];
      for (int j = 0; j < 4; ++j) q[j] = bicubic_columns(from, k, i + j, w.width);
      return add_neighbours(add_neighbours(q[0], q[1]), add_neighbours(q[2], q[3]));
    });
  });
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
