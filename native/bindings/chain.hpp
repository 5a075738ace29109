// What the Python classes of chain sessions have in common.
#pragma once

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "frames.hpp"
#include "images.hpp"
#include "subpixel/chain.hpp"

namespace subpixel {

template <class T, int Axes>
using ChainIn = nanobind::ndarray<const T, nanobind::ndim<Axes>, nanobind::c_contig, nanobind::device::cpu>;
template <class T>
using ChainOut = nanobind::ndarray<T, nanobind::ndim<3>, nanobind::c_contig, nanobind::device::cpu>;

template <class T>
std::vector<T> constants(const ChainIn<T, 1>& from, std::size_t count) {
  need(from.shape(0) == count, "a constant for each output channel is needed");
  return std::vector<T>(from.data(), from.data() + count);
}

// Collects layers and checks that they fit each other, so that no call can make the engine leave its memory.
template <class Session>
class ChainBuilder {
 public:
  template <class T>
  void run(ChainIn<T, 3> x, ChainOut<T> y) const {
    const auto scale = static_cast<std::size_t>(shape().scale), planes = static_cast<std::size_t>(shape().channels);
    need(complete(), "the last layer does not give the result's channels");
    need(x.shape(0) == planes && y.shape(0) == planes, "planes do not fit the network");
    need(y.shape(1) == x.shape(1) * scale && y.shape(2) == x.shape(2) * scale, "y is not scale times x");
    need(x.shape(1) < (1u << 30) / scale && x.shape(2) < (1u << 30) / scale, "a side is too long");
    nanobind::gil_scoped_release release;
    session_.run(x.data(), static_cast<int>(x.shape(1)), static_cast<int>(x.shape(2)), y.data());
  }

  template <class Pixel>
  void image(ImageIn<Pixel> x, ImageOut<Pixel> y, const std::vector<int>& first, const std::vector<float>& weight,
               const std::string& alpha) const {
    need(complete() && shape().channels == 1, "a network of one channel is needed");
    const Pixels<Pixel> pixels = pixels_of(x, alpha);
    const std::vector<Phase> phases = phases_of(first, weight);
    need(phases.size() == static_cast<std::size_t>(shape().scale), "taps do not fit the scale");
    need_scaled_size(pixels, y, phases.size());
    nanobind::gil_scoped_release release;
    session_.run(pixels, phases, y.data());
  }

  template <class Code>
  void frame(const std::vector<PlaneIn<Code>>& x, const std::vector<PlaneOut<Code>>& y, int bits, bool full_range,
             int down, int across, const std::vector<int>& row_first, const std::vector<float>& row_weight,
             const std::vector<int>& column_first, const std::vector<float>& column_weight) const {
    need(complete() && shape().channels == 1, "a network of one channel is needed");
    const Frame<Code> frame =
        frame_of(x, y, shape().scale, bits, full_range, down, across, phases_of(row_first, row_weight),
                 phases_of(column_first, column_weight));
    nanobind::gil_scoped_release release;
    session_.run(frame);
  }

  void skip_flat(int threshold, const std::vector<int>& integer, const std::vector<float>& real) {
    const std::size_t count = static_cast<std::size_t>(shape().scale) * 4;
    need(complete() && shape().channels == 1 && session_.sees_plain_reach(), "a network that can have flat cells");
    need(threshold >= 0 && threshold <= 510, "threshold must be 0 to 510");
    need(integer.size() == count && real.size() == count, "taps do not fit the scale");
    PlainTaps taps{{}, real};
    for (int tap : integer) {
      need(tap >= -32767 && tap <= 32767, "taps must have 16 bits");
      taps.integer.push_back(static_cast<std::int16_t>(tap));
    }
    session_.skip_flat(threshold, std::move(taps));
  }

  std::string target() const { return session_.target(); }
  std::string kernels() const { return session_.kernels(); }

 protected:
  // Far beyond any network of this field, and so small that no product leaves an int and no sum 32 bits.
  static constexpr std::size_t kMaxChannels = 4096, kMaxKernel = 63, kMaxTaps = 1 << 16;

  template <class... Args>
  explicit ChainBuilder(int channels, Args&&... args) : session_(std::forward<Args>(args)...), channels_(channels) {}

  static ChainShape check_shape(int channels, int scale, bool crd, bool base, bool zero_border) {
    need(channels >= 1 && static_cast<std::size_t>(channels) <= kMaxChannels, "channels out of range");
    need(scale >= 1 && scale <= kMaxScale, "scale out of range");
    return {channels, scale, crd, base, zero_border};
  }

  // Checks the next layer's kernel, (out, in, height, width), and the earlier layer that it adds, or -1.
  template <class Weight>
  void check(const Weight& weight, bool last, int skip) const {
    need(!last_, "a layer after the last");
    const std::size_t out = weight.shape(0), in = weight.shape(1), kh = weight.shape(2), kw = weight.shape(3);
    need(out >= 1 && out <= kMaxChannels && in == static_cast<std::size_t>(channels_), "weight does not fit");
    need(kh % 2 == 1 && kw % 2 == 1 && kh <= kMaxKernel && kw <= kMaxKernel, "kernel sides must be odd, 63 at most");
    need(in * kh * kw <= kMaxTaps, "too many taps");
    need(skip >= -1 && skip < session_.layers() && (skip < 0 || !last), "skip is no earlier layer");
    need(skip < 0 || layer_channels_[static_cast<std::size_t>(skip)] == static_cast<int>(out),
         "skip has other channels");
  }
  template <class Layer>
  void append(const Layer& layer) {
    session_.add(layer);
    channels_ = layer.out_channels;
    layer_channels_.push_back(channels_);
    last_ = layer.last;
  }

  const Session& session() const { return session_; }

 private:
  const ChainShape& shape() const { return session_.shape(); }
  bool complete() const { return last_ && channels_ == shape().channels * shape().scale * shape().scale; }

  Session session_;
  int channels_;
  std::vector<int> layer_channels_;  // of each layer's result
  bool last_ = false;
};

// y is written in place: if it were converted, the result would go to a copy.
template <class Builder>
void bind_runs(nanobind::class_<Builder>& bound) {
  using namespace nanobind::literals;
  bound.def("run", &Builder::template run<float>, "x"_a, "y"_a.noconvert())
      .def("image", &Builder::template image<std::uint8_t>, "x"_a.noconvert(), "y"_a.noconvert(), "first"_a,
           "weight"_a, "alpha"_a)
      .def("image", &Builder::template image<std::uint16_t>, "x"_a.noconvert(), "y"_a.noconvert(), "first"_a,
           "weight"_a, "alpha"_a)
      .def("frame", &Builder::template frame<std::uint8_t>, "x"_a.noconvert(), "y"_a.noconvert(), "bits"_a,
           "full_range"_a, "down"_a, "across"_a, "row_first"_a, "row_weight"_a, "column_first"_a, "column_weight"_a)
      .def("frame", &Builder::template frame<std::uint16_t>, "x"_a.noconvert(), "y"_a.noconvert(), "bits"_a,
           "full_range"_a, "down"_a, "across"_a, "row_first"_a, "row_weight"_a, "column_first"_a, "column_weight"_a)
      .def("skip_flat", &Builder::skip_flat, "threshold"_a, "integer"_a, "real"_a,
           "From now on, flat cells get the plain resize; the threshold is in halves of a code.")
      .def_prop_ro("target", &Builder::target)
      .def_prop_ro("kernels", &Builder::kernels);
}

}  // namespace subpixel
