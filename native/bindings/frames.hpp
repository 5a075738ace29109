// Converts NumPy planes to frames of video. Samples of a row are contiguous; rows may have any stride.
#pragma once

#include <nanobind/ndarray.h>
#include <nanobind/stl/vector.h>

#include <utility>
#include <vector>

#include "bindings.hpp"
#include "subpixel/frame.hpp"

namespace subpixel {

template <class T>
using PlaneIn = nanobind::ndarray<const T, nanobind::ndim<2>, nanobind::device::cpu>;
template <class T>
using PlaneOut = nanobind::ndarray<T, nanobind::ndim<2>, nanobind::device::cpu>;

template <class Code, class Array>
FramePlane<Code> plane_of(const Array& x) {
  need(x.shape(0) >= 1 && x.shape(0) < (1u << 26) && x.shape(1) >= 1 && x.shape(1) < (1u << 26),
       "a side is 0 or too long");
  need(x.shape(1) == 1 || x.stride(1) == 1, "samples of a row must be contiguous and in order");
  return {x.data(), x.stride(0), static_cast<int>(x.shape(0)), static_cast<int>(x.shape(1))};
}

template <class Code>
Frame<Code> frame_of(const std::vector<PlaneIn<Code>>& x, const std::vector<PlaneOut<Code>>& y, int scale, int bits,
                     bool full_range, int down, int across, std::vector<Phase> rows, std::vector<Phase> columns) {
  need((x.size() == 1 || x.size() == 3) && y.size() == x.size(), "one plane or three are needed");
  need(sizeof(Code) == 1 ? bits == 8 : bits > 8 && bits <= 16, "bits do not fit the samples");
  need(down >= 1 && down <= 4 && across >= 1 && across <= 4, "factors of chroma must be 1 to 4");
  const auto r = static_cast<std::size_t>(scale);
  need(rows.size() == r && columns.size() == r, "taps do not fit the scale");
  Frame<Code> frame{{}, {}, static_cast<int>(x.size()), down, across, std::move(rows), std::move(columns),
                    codes_of(bits, full_range)};
  for (std::size_t k = 0; k < x.size(); ++k) {
    frame.x[k] = plane_of<const Code>(x[k]);
    frame.y[k] = plane_of<Code>(y[k]);
    const auto fits = [&](int side, std::ptrdiff_t luma, int factor) {
      return side == (luma - 1) / (k ? factor : 1) + 1;
    };
    const std::ptrdiff_t height = frame.x[0].height, width = frame.x[0].width;
    need(fits(frame.x[k].height, height, down) && fits(frame.x[k].width, width, across) &&
             fits(frame.y[k].height, height * scale, down) && fits(frame.y[k].width, width * scale, across),
         "planes do not fit each other");
  }
  return frame;
}

}  // namespace subpixel
