// Converts NumPy arrays to images.
#pragma once

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "bindings.hpp"
#include "subpixel/image.hpp"

namespace subpixel {

template <class T>
using ImageIn = nanobind::ndarray<const T, nanobind::ndim<3>, nanobind::c_contig, nanobind::device::cpu>;
template <class T>
using ImageOut = nanobind::ndarray<T, nanobind::ndim<3>, nanobind::c_contig, nanobind::device::cpu>;

template <class Pixel>
Pixels<Pixel> pixels_of(const ImageIn<Pixel>& x, const std::string& alpha) {
  need(x.shape(2) >= 1 && x.shape(2) <= 4, "1 to 4 channels are needed");
  need(x.shape(0) >= 1 && x.shape(0) < (1u << 26) && x.shape(1) >= 1 && x.shape(1) < (1u << 26),
       "a side is 0 or too long");
  Alpha kind = Alpha::none;
  if (alpha == "opaque") kind = Alpha::opaque;
  else need(alpha == "none", "alpha must be none or opaque");
  need((x.shape(2) % 2 == 0) == (kind != Alpha::none), "alpha does not fit the channels");
  return {x.data(), static_cast<int>(x.shape(0)), static_cast<int>(x.shape(1)), static_cast<int>(x.shape(2)), kind};
}

// The four taps at each position between two samples. The first is at most two samples before.
inline std::vector<Phase> phases_of(const std::vector<int>& first, const std::vector<float>& weight) {
  need(!first.empty() && first.size() <= 64 && weight.size() == 4 * first.size(),
       "four weights for each position are needed");
  std::vector<Phase> phases;
  for (std::size_t k = 0; k < first.size(); ++k) {
    need(first[k] >= -2 && first[k] <= -1, "taps reach too far");
    phases.push_back({first[k], {weight[4 * k], weight[4 * k + 1], weight[4 * k + 2], weight[4 * k + 3]}});
  }
  return phases;
}

template <class Pixel>
void need_scaled_size(const Pixels<Pixel>& pixels, const ImageOut<Pixel>& y, std::size_t scale) {
  need(y.shape(0) == static_cast<std::size_t>(pixels.height) * scale &&
           y.shape(1) == static_cast<std::size_t>(pixels.width) * scale &&
           y.shape(2) == static_cast<std::size_t>(pixels.channels),
       "y is not scale times x");
}

}  // namespace subpixel
