// Planes of numbers and the two steps of every network, as plain loops.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "subpixel/conv_kernels.hpp"

namespace test {

template <class T>
struct Planes {
  int channels, height, width;
  std::vector<T> samples;

  Planes(int c, int h, int w) : channels(c), height(h), width(w), samples(static_cast<std::size_t>(c) * h * w) {}
  T& at(int c, int y, int x) { return samples[(static_cast<std::size_t>(c) * height + y) * width + x]; }
  const T& at(int c, int y, int x) const { return samples[(static_cast<std::size_t>(c) * height + y) * width + x]; }
};

// Pads each side with samples: the edge repeated, or a value.
template <class T>
Planes<T> pad(const Planes<T>& x, int rows, int columns, bool edge, T value = T{}) {
  Planes<T> result(x.channels, x.height + 2 * rows, x.width + 2 * columns);
  for (int c = 0; c < x.channels; ++c)
    for (int i = 0; i < result.height; ++i)
      for (int j = 0; j < result.width; ++j) {
        const int row = std::clamp(i - rows, 0, x.height - 1), column = std::clamp(j - columns, 0, x.width - 1);
        const bool outside = row != i - rows || column != j - columns;
        result.at(c, i, j) = outside && !edge ? value : x.at(c, row, column);
      }
  return result;
}

// Sums of whole kernels; weight(o, c, ky, kx).
template <class T, class Weight>
Planes<T> convolve(const Planes<T>& x, int out, int kernel_h, int kernel_w, const Weight& weight) {
  Planes<T> result(out, x.height - kernel_h + 1, x.width - kernel_w + 1);
  for (int o = 0; o < out; ++o)
    for (int c = 0; c < x.channels; ++c)
      for (int ky = 0; ky < kernel_h; ++ky)
        for (int kx = 0; kx < kernel_w; ++kx) {
          const T w = weight(o, c, ky, kx);
          for (int i = 0; i < result.height; ++i) {
            const T* from = &x.at(c, i + ky, kx);
            T* to = &result.at(o, i, 0);
            for (int j = 0; j < result.width; ++j) to[j] += w * from[j];
          }
        }
  return result;
}

inline double activate(subpixel::Activation kind, double slope, double v) {
  switch (kind) {
    case subpixel::Activation::relu: return std::max(v, 0.0);
    case subpixel::Activation::prelu: return v < 0 ? v * slope : v;
    case subpixel::Activation::tanh: return std::tanh(v);
    case subpixel::Activation::clip: return std::clamp(v, 0.0, 1.0);
    case subpixel::Activation::none: break;
  }
  return v;
}

inline int shuffle_source(bool crd, int channels, int r, int c, int i, int j) {
  return crd ? (c * r + i) * r + j : (i * r + j) * channels + c;
}

}  // namespace test
