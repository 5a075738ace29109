// Bilinear and bicubic sums of pixels that hold all channels. Part of warp_f32.hpp, which says how it is built.
//
// Pixels of two or three channels are read and written as four, except the last of a block. With more channels the last
// four overlap those before.
#pragma once

#include "samples_f32.hpp"
#include "taps_f32.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

template <class T>
inline Quad edge_quad(const T* from, std::ptrdiff_t pixel, int channels, int room) {
  Quad q = {};
  if (pixel >= 0)
    for (int c = 0; c < room; ++c) q[c] = static_cast<float>(from[pixel * channels + c]);
  return q;
}

// Calls body(c) for each four channels; `fixed`: their number if it is known when compiling, otherwise 0.
template <int fixed, class Body>
inline void each_four(int channels, Body body) {
  if (fixed > 0) return body(0);
  for (int c = 0; c < channels; c += kQuad) body(c + kQuad <= channels ? c : channels - kQuad);
}

template <class T>
inline void put(T* to, Quad q, int channels, bool last) {
  if (channels < kQuad && last)
    store_some(to, q, channels);
  else
    store_quad(to, q);
}

// `fixed` channels, 2, 3 or 4; 0 is any number above.
template <int fixed, class T>
void bilinear_pixels(const Warp& w, const Positions& at, const Corners& k, int row, int first) {
  const int channels = fixed > 0 ? fixed : w.channels, room = channels < kQuad ? channels : kQuad;
  const std::ptrdiff_t line = std::ptrdiff_t{w.width} * channels;
  T* to = static_cast<T*>(w.y) + (std::ptrdiff_t{row} * w.columns + first) * channels;
  for (int i = 0; i < at.count; ++i, to += channels) {
    each_four<fixed>(channels, [&](int c) {
      const T* from = static_cast<const T*>(w.x) + c;
      Quad corner[4];
      if (k.inside || k.edge[i] == 0) {
        const T* p = from + std::ptrdiff_t{k.offset[0][i]} * channels;
        corner[0] = quad_at(p), corner[1] = quad_at(p + channels);
        corner[2] = quad_at(p + line), corner[3] = quad_at(p + line + channels);
      } else {
        for (int j = 0; j < 4; ++j) corner[j] = edge_quad(from, k.offset[j][i], channels, room);
      }
      const Quad left = (corner[0] * k.top[i] + corner[2] * k.bottom[i]) * k.left[i];
      const Quad right = (corner[1] * k.top[i] + corner[3] * k.bottom[i]) * k.right[i];
      put(to + c, left + right, channels, i + 1 == at.count);
    });
  }
}

template <int fixed, class T>
void bicubic_pixels(const Warp& w, const Positions& at, const Taps& k, int row, int first) {
  const int channels = fixed > 0 ? fixed : w.channels, room = channels < kQuad ? channels : kQuad;
  const std::ptrdiff_t line = std::ptrdiff_t{w.width} * channels;
  T* to = static_cast<T*>(w.y) + (std::ptrdiff_t{row} * w.columns + first) * channels;
  for (int i = 0; i < at.count; ++i, to += channels) {
    each_four<fixed>(channels, [&](int c) {
      const T* from = static_cast<const T*>(w.x) + c;
      Quad column[4];
      for (int s = 0; s < 4; ++s) {
        Quad q[4];
        if (k.offset[i] >= 0) {
          const T* p = from + (std::ptrdiff_t{k.offset[i]} + s) * channels;
          for (int t = 0; t < 4; ++t) q[t] = quad_at(p + t * line);
        } else {
          for (int t = 0; t < 4; ++t) {
            const int y = k.line[t][i], x = k.column[s][i];
            q[t] = edge_quad(from, y < 0 || x < 0 ? -1 : std::ptrdiff_t{y} * w.width + x, channels, room);
          }
        }
        const Quad above = q[0] * k.y[0][i] + q[1] * k.y[1][i], below = q[2] * k.y[2][i] + q[3] * k.y[3][i];
        column[s] = (above + below) * k.x[4 * i + s];
      }
      put(to + c, (column[0] + column[1]) + (column[2] + column[3]), channels, i + 1 == at.count);
    });
  }
}

// Integers of few channels: first the pixels of the four corners of all positions are collected as words. Then the sums
// are computed, a vector of positions at a time, one channel after the other.

template <class T>
struct CornerWords {
  static constexpr int count = sizeof(T);  // words in four samples
  Word word[4][count][kBlock];

  void put(int corner, int i, const void* four) {
    Word w[count];
    __builtin_memcpy(w, four, sizeof w);
    for (int n = 0; n < count; ++n) word[corner][n][i] = w[n];
  }
  // Sample `c` of a corner at all positions; bytes in the order of a little-endian machine.
  Vec samples(int corner, int c, int i) const {
    constexpr int bits = 8 * sizeof(T), in_word = 4 / sizeof(T);
    const Words w = load<Words>(word[corner][c / in_word] + i) >> (c % in_word * bits);
    return to_float((Ints)(w & static_cast<Word>(Few<T>::most)));
  }
};

template <int channels, class T>
void collect(const Warp& w, const Corners& k, int count, CornerWords<T>& words) {
  const T* from = static_cast<const T*>(w.x);
  const std::ptrdiff_t line = std::ptrdiff_t{w.width} * channels;
  for (int i = 0; i < count; ++i) {
    if (k.inside || k.edge[i] == 0) {
      const T* p = from + std::ptrdiff_t{k.offset[0][i]} * channels;
      words.put(0, i, p), words.put(1, i, p + channels);
      words.put(2, i, p + line), words.put(3, i, p + line + channels);
    } else {
      for (int j = 0; j < 4; ++j) {
        T four[kQuad] = {};
        const std::ptrdiff_t pixel = k.offset[j][i];
        for (int c = 0; c < channels && pixel >= 0; ++c) four[c] = from[pixel * channels + c];
        words.put(j, i, four);
      }
    }
  }
}

template <int channels, class T>
void bilinear_words(const Warp& w, const Positions& at, const Corners& k, int row, int first) {
  CornerWords<T> words;
  collect<channels>(w, k, at.padded, words);
  constexpr int bits = 8 * sizeof(T), in_word = 4 / sizeof(T), count = sizeof(T);
  Word result[kBlock][count];
  for (int i = 0; i < at.count; i += kLanes) {
    const Vec top = load<Vec>(k.top + i), bottom = load<Vec>(k.bottom + i);
    const Vec left = load<Vec>(k.left + i), right = load<Vec>(k.right + i);
    Words word[count] = {};
    for (int c = 0; c < channels; ++c) {
      const Vec one = (words.samples(0, c, i) * top + words.samples(2, c, i) * bottom) * left;
      const Vec two = (words.samples(1, c, i) * top + words.samples(3, c, i) * bottom) * right;
      word[c / in_word] |= (Words)round_sample<T, Vec, Ints>(one + two) << (c % in_word * bits);
    }
    for (int n = 0; n < count; ++n)
      for (int j = 0; j < kLanes; ++j) result[i + j][n] = word[n][j];
  }
  T* to = static_cast<T*>(w.y) + (std::ptrdiff_t{row} * w.columns + first) * channels;
  for (int i = 0; i + 1 < at.count; ++i) __builtin_memcpy(to + i * channels, result[i], kQuad * sizeof(T));
  __builtin_memcpy(to + (at.count - 1) * channels, result[at.count - 1], channels * sizeof(T));
}

template <int channels>
inline void bilinear_few(const Warp& w, const Positions& at, const Corners& k, int row, int first, float) {
  bilinear_pixels<channels, float>(w, at, k, row, first);
}
template <int channels, class T>
inline void bilinear_few(const Warp& w, const Positions& at, const Corners& k, int row, int first, T) {
  bilinear_words<channels, T>(w, at, k, row, first);
}

template <class T>
void bilinear_pixels(const Warp& w, const Positions& at, const Corners& k, int row, int first) {
  switch (w.channels) {
    case 2: return bilinear_few<2>(w, at, k, row, first, T{});
    case 3: return bilinear_few<3>(w, at, k, row, first, T{});
    case 4: return bilinear_few<4>(w, at, k, row, first, T{});
    default: return bilinear_pixels<0, T>(w, at, k, row, first);
  }
}

template <class T>
void bicubic_pixels(const Warp& w, const Positions& at, const Taps& k, int row, int first) {
  switch (w.channels) {
    case 2: return bicubic_pixels<2, T>(w, at, k, row, first);
    case 3: return bicubic_pixels<3, T>(w, at, k, row, first);
    case 4: return bicubic_pixels<4, T>(w, at, k, row, first);
    default: return bicubic_pixels<0, T>(w, at, k, row, first);
  }
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
