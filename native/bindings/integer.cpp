#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "pictures.hpp"
#include "subpixel/dispatch.hpp"
#include "subpixel/integer_session.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace subpixel {
namespace {

template <class T, int Axes>
using In = nb::ndarray<const T, nb::ndim<Axes>, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

Activation activation_of(const std::string& name) {
  if (name == "none" || name == "clip") return Activation::none;  // the clipping of bytes does it
  if (name == "relu") return Activation::relu;
  if (name == "prelu") return Activation::prelu;
  need(name == "tanh", "activation is not known");
  return Activation::tanh;
}

// Far beyond any network of this field, and small enough that no product of them leaves an int and no sum 32 bits.
constexpr std::size_t kMaxChannels = 4096, kMaxKernel = 63, kMaxTaps = 1 << 16;
constexpr int kMaxScale = 64;

template <class T>
std::vector<T> copied(const In<T, 1>& from, std::size_t count) {
  need(from.shape(0) == count, "a constant for each output channel is needed");
  return std::vector<T>(from.data(), from.data() + count);
}

// As the Builder of session.cpp; of another name, for the module tells classes apart by their names alone.
class IntegerBuilder {
 public:
  IntegerBuilder(int channels, int scale, bool crd, bool base, bool zero_border, int threads, const std::string& target)
      : session_({checked(channels), checked_scale(scale), crd, base, zero_border}, std::max(1, threads), target),
        channels_(channels) {}

  void conv(In<std::int8_t, 4> weight, In<std::int32_t, 1> bias, In<std::int32_t, 1> shift,
            In<std::int16_t, 1> multiplier, std::optional<In<std::int16_t, 1>> slope, const std::string& activation,
            int zero, bool last, int skip, int skip_gain) {
    need(!last_, "a layer after the last");
    const std::size_t out = weight.shape(0), in = weight.shape(1), kh = weight.shape(2), kw = weight.shape(3);
    need(out >= 1 && out <= kMaxChannels && in == static_cast<std::size_t>(channels_), "weight does not fit");
    need(kh % 2 == 1 && kw % 2 == 1 && kh <= kMaxKernel && kw <= kMaxKernel, "kernel sides must be odd, 63 at most");
    need(in * kh * kw <= kMaxTaps, "too many taps for sums of 32 bits");
    need(zero >= 0 && zero <= 255, "zero must be a byte");
    need(skip >= -1 && skip < session_.layers() && (skip < 0 || !last), "skip is no earlier layer");
    need(skip < 0 || made_[static_cast<std::size_t>(skip)] == static_cast<int>(out), "skip has other channels");
    need(skip_gain >= -32768 && skip_gain <= 32767, "skip_gain must have 16 bits");
    IntegerLayer layer{static_cast<int>(in), static_cast<int>(out), static_cast<int>(kh), static_cast<int>(kw),
                       activation_of(activation), zero, {}, {}, {}, {}, {}, last, skip, static_cast<std::int16_t>(skip_gain)};
    need(skip < 0 || layer.activation != Activation::tanh, "a skip after tanh");
    layer.weight.assign(weight.data(), weight.data() + out * in * kh * kw);
    layer.bias = copied<std::int32_t>(bias, out);
    layer.shift = copied<std::int32_t>(shift, out);
    layer.multiplier = copied<std::int16_t>(multiplier, out);
    for (std::int32_t s : layer.shift) need(s >= 0 && s <= 31, "shift must be 0 to 31");
    for (std::int16_t m : layer.multiplier) need(m >= 0, "multiplier must not be negative");
    need(layer.activation != Activation::prelu || slope, "prelu without slopes");
    if (slope) layer.slope = copied<std::int16_t>(*slope, out);
    session_.add(layer);
    channels_ = static_cast<int>(out);
    made_.push_back(channels_);
    last_ = last;
  }

  template <class T>
  void run(In<T, 3> x, Out<T> y) const {
    const auto scale = static_cast<std::size_t>(session_.shape().scale), planes = static_cast<std::size_t>(session_.shape().channels);
    need(last_ && static_cast<std::size_t>(channels_) == planes * scale * scale,
         "the last layer does not make the result");
    need(x.shape(0) == planes && y.shape(0) == planes, "planes do not fit the network");
    need(y.shape(1) == x.shape(1) * scale && y.shape(2) == x.shape(2) * scale, "y is not scale times x");
    need(x.shape(1) < (1u << 30) / scale && x.shape(2) < (1u << 30) / scale, "a side is too long");
    nb::gil_scoped_release release;
    session_.run(x.data(), static_cast<int>(x.shape(1)), static_cast<int>(x.shape(2)), y.data());
  }

  template <class Pixel>
  void picture(PictureIn<Pixel> x, PictureOut<Pixel> y, const std::vector<int>& first, const std::vector<float>& weight,
               const std::string& alpha) const {
    const auto scale = static_cast<std::size_t>(session_.shape().scale);
    need(last_ && session_.shape().channels == 1 && static_cast<std::size_t>(channels_) == scale * scale,
         "a network of one channel is needed");
    const Pixels<Pixel> pixels = pixels_of(x, alpha);
    const std::vector<Phase> phases = phases_of(first, weight);
    need(phases.size() == scale, "taps do not fit the scale");
    need_enlarged(pixels, y, scale);
    nb::gil_scoped_release release;
    session_.run(pixels, phases, y.data());
  }

  std::string target() const { return session_.target(); }
  std::string kernels() const { return session_.kernels(); }

 private:
  static int checked(int channels) {
    need(channels >= 1 && static_cast<std::size_t>(channels) <= kMaxChannels, "channels out of range");
    return channels;
  }
  static int checked_scale(int scale) {
    need(scale >= 1 && scale <= kMaxScale, "scale out of range");
    return scale;
  }

  IntegerSession session_;
  int channels_;
  std::vector<int> made_;  // channels of each layer's result
  bool last_ = false;
};

}  // namespace

void bind_integer(nb::module_& m) {
  m.def("peak_int8", [](long long rounds, const std::string& target) {
    const KernelsInt& kernels = kernels_int(target);
    nb::gil_scoped_release release;
    return kernels.peak(rounds);
  }, "rounds"_a, "target"_a, "Runs the target's multiplication alone; returns how many products were made.");
  nb::class_<IntegerBuilder>(m, "IntegerSession", "A chain of quantised convolutions and a pixel shuffle, for planes of u8 or f32.")
      .def(nb::init<int, int, bool, bool, bool, int, const std::string&>(), "channels"_a, "scale"_a, "crd"_a, "base"_a,
           "zero_border"_a, "threads"_a, "target"_a)
      .def("conv", &IntegerBuilder::conv, "weight"_a, "bias"_a, "shift"_a, "multiplier"_a, "slope"_a.none(), "activation"_a,
           "zero"_a, "last"_a, "skip"_a, "skip_gain"_a)
      // y is written in place: converted, it would be a copy that nobody sees
      .def("run", &IntegerBuilder::run<float>, "x"_a, "y"_a.noconvert())
      .def("run", &IntegerBuilder::run<std::uint8_t>, "x"_a, "y"_a.noconvert())
      .def("picture", &IntegerBuilder::picture<std::uint8_t>, "x"_a.noconvert(), "y"_a.noconvert(), "first"_a,
           "weight"_a, "alpha"_a)
      .def("picture", &IntegerBuilder::picture<std::uint16_t>, "x"_a.noconvert(), "y"_a.noconvert(), "first"_a,
           "weight"_a, "alpha"_a)
      .def_prop_ro("target", &IntegerBuilder::target)
      .def_prop_ro("kernels", &IntegerBuilder::kernels);
}

}  // namespace subpixel
