// Binds sessions for f32 networks of any graph.
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "bindings.hpp"
#include "subpixel/session.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace subpixel {
namespace {

template <int Axes>
using In = nb::ndarray<const float, nb::ndim<Axes>, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<float, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

// Far beyond any network of this field, and so small that no product leaves an int. A unit is up to 64 samples of the
// image along an axis, and a value up to 64 times as large as the image.
constexpr int kMaxChannels = 65536, kMaxFactor = 64, kMaxScale = 64 * 64, kMaxKernel = 4095, kMaxStride = 64;

// Collects layers by number and checks that they fit each other, so that no call can make the engine leave its memory.
// The network was validated before, so a failure is a defect of the caller.
class Builder {
 public:
  Builder(bool zero_border, int threads, const std::string& target) : session_(zero_border, threads, target) {}

  void input(int channels, int scale) {
    need(values_.size() == inputs_, "inputs come before layers");
    need(channels >= 1 && channels <= kMaxChannels && scale >= 1 && scale <= kMaxScale,
         "channels or scale is too small or too large");
    session_.add_input({channels, scale});
    values_.push_back({channels, scale});
    ++inputs_;
  }

  void conv(int source, In<4> weight, std::optional<In<1>> bias, const std::string& activation,
            std::optional<In<1>> slope, int stride) {
    const ValueShape from = at(source);
    need(weight.shape(0) >= 1 && weight.shape(0) <= kMaxChannels, "weight has no or too many output channels");
    need(weight.shape(1) == static_cast<std::size_t>(from.channels), "weight does not fit its source");
    const std::size_t largest = std::max(weight.shape(2), weight.shape(3));
    need(weight.shape(2) % 2 == 1 && weight.shape(3) % 2 == 1 && largest <= kMaxKernel, "kernel sides must be odd");
    need(stride >= 1 && stride <= kMaxStride && from.scale % stride == 0, "the stride does not divide the source");
    const int out = static_cast<int>(weight.shape(0));
    need(!bias || bias->shape(0) == weight.shape(0), "bias does not fit the weight");
    need(!slope || slope->shape(0) == weight.shape(0), "slope does not fit the weight");
    const auto kind = activation_of(activation);
    need(kind != Activation::prelu || slope, "prelu without slopes");
    const ValueShape shape = checked({out, from.scale / stride});
    session_.add_conv(shape, source, static_cast<int>(weight.shape(2)), static_cast<int>(weight.shape(3)), stride,
                      weight.data(), bias ? bias->data() : nullptr, kind, slope ? slope->data() : nullptr);
    values_.push_back(shape);
  }

  void add(const std::vector<int>& sources) { append(common_shape(sources, true), AddStep{sources}); }

  void concat(const std::vector<int>& sources) {
    const ValueShape first = common_shape(sources, false);
    std::ptrdiff_t channels = 0;
    for (int s : sources) channels += at(s).channels;
    need(channels <= kMaxChannels, "too many channels");
    append({static_cast<int>(channels), first.scale}, ConcatStep{sources});
  }

  void resize(int source, int factor, const std::vector<int>& offset, const std::vector<float>& weight) {
    const ValueShape from = at(source);
    need(factor >= 1 && factor <= kMaxFactor, "factor must be 1 to 64");
    need(!offset.empty() && offset.size() % static_cast<std::size_t>(factor) == 0 && offset.size() == weight.size(),
         "taps do not fit the factor");
    for (int o : offset) need(o >= -kMaxMargin && o <= kMaxMargin, "a tap is too far away");
    append({from.channels, from.scale * factor},
           ResizeStep{source, factor, static_cast<int>(offset.size()) / factor, offset, weight});
  }

  void pixel_shuffle(int source, int factor, const std::string& order) {
    const ValueShape from = at(source);
    need(factor >= 1 && factor <= kMaxFactor, "factor must be 1 to 64");
    need(from.channels % (factor * factor) == 0, "channels do not fit the factor");
    need(order == "CRD" || order == "DCR", "order must be CRD or DCR");
    append({from.channels / (factor * factor), from.scale * factor}, ShuffleStep{source, factor, order == "CRD"});
  }

  void warp(int source, int flow, float reach) {
    const ValueShape from = at(source), displacement = at(flow);
    need(static_cast<std::size_t>(source) < inputs_, "only an input can be warped");
    need(displacement.channels == 2 && displacement.scale == from.scale, "the flow does not fit its source");
    need(reach > 0 && reach <= kMaxMargin, "reach is too small or too large");
    append(from, WarpStep{source, flow, reach});
    warps_ = true;
  }

  void output(int value) {
    at(value);
    need(static_cast<std::size_t>(value) >= inputs_, "an input is no output");
    session_.add_output(value);
    outputs_.push_back(value);
  }

  void run(const std::vector<In<3>>& x, const std::vector<Out>& y) const {
    need(!outputs_.empty(), "no outputs");
    need(x.size() == inputs_ && y.size() == outputs_.size(), "not as many planes as inputs or outputs");
    const std::size_t scale = static_cast<std::size_t>(values_[0].scale);
    need(x[0].shape(1) % scale == 0 && x[0].shape(2) % scale == 0, "x does not consist of whole units");
    const std::size_t height = x[0].shape(1) / scale, width = x[0].shape(2) / scale;
    // Coordinates are int inside; the largest is that of the largest value, with its surroundings.
    int largest = 1;
    for (const ValueShape& v : values_) largest = std::max(largest, v.scale);
    const std::size_t most = (1u << 30) / static_cast<std::size_t>(largest);
    need(height < most && width < most, "a side is too long");
    std::vector<const float*> from;
    std::vector<float*> to;
    for (std::size_t k = 0; k < inputs_; ++k) {
      need(fits(x[k], values_[k], height, width), "x does not fit the inputs");
      from.push_back(x[k].data());
    }
    for (std::size_t k = 0; k < y.size(); ++k) {
      need(fits(y[k], at(outputs_[k]), height, width), "y does not fit the outputs");
      to.push_back(y[k].data());
    }
    for (std::size_t k = 0; warps_ && k < inputs_; ++k)
      need(x[k].shape(1) <= kMaxWarpSide && x[k].shape(2) <= kMaxWarpSide &&
               x[k].shape(1) * x[k].shape(2) <= kMaxWarpPlane,
           "a plane is too large for a warp");
    nb::gil_scoped_release release;
    session_.run(from.data(), static_cast<int>(height), static_cast<int>(width), to.data());
  }

  std::string target() const { return session_.target(); }
  std::string kernels() const { return session_.kernels(); }

 private:
  const ValueShape& at(int value) const {
    need(value >= 0 && value < static_cast<int>(values_.size()), "a source that does not exist");
    return values_[static_cast<std::size_t>(value)];
  }
  ValueShape common_shape(const std::vector<int>& sources, bool same_channels) const {
    need(!sources.empty(), "no sources");
    const ValueShape first = at(sources[0]);
    for (int s : sources)
      need(at(s).scale == first.scale && (!same_channels || at(s).channels == first.channels), "sources differ");
    return first;
  }
  template <class Array>
  static bool fits(const Array& array, const ValueShape& shape, std::size_t height, std::size_t width) {
    const auto scale = static_cast<std::size_t>(shape.scale);
    return array.shape(0) == static_cast<std::size_t>(shape.channels) && array.shape(1) == height * scale &&
           array.shape(2) == width * scale;
  }
  static ValueShape checked(ValueShape shape) {
    need(shape.scale <= kMaxScale, "the scale is too large");
    return shape;
  }
  void append(ValueShape shape, Step step) {
    session_.add_step(checked(shape), std::move(step));
    values_.push_back(shape);
  }

  Session session_;
  std::size_t inputs_ = 0;
  bool warps_ = false;
  std::vector<ValueShape> values_;
  std::vector<int> outputs_;
};

}  // namespace

void bind_session(nb::module_& m) {
  nb::class_<Builder>(m, "Session",
                      "A network for f32 planes. Inputs and layers are values, numbered in the order in which they are "
                      "added. A value's scale is its samples in a unit of the image, along each axis.")
      .def(nb::init<bool, int, const std::string&>(), "zero_border"_a, "threads"_a, "target"_a)
      .def("input", &Builder::input, "channels"_a, "scale"_a)
      .def("conv", &Builder::conv, "source"_a, "weight"_a, "bias"_a.none(), "activation"_a, "slope"_a.none(),
           "stride"_a)
      .def("add", &Builder::add, "sources"_a)
      .def("concat", &Builder::concat, "sources"_a)
      .def("resize", &Builder::resize, "source"_a, "factor"_a, "offset"_a, "weight"_a)
      .def("pixel_shuffle", &Builder::pixel_shuffle, "source"_a, "factor"_a, "order"_a)
      .def("warp", &Builder::warp, "source"_a, "flow"_a, "reach"_a)
      .def("output", &Builder::output, "value"_a)
      .def("run", &Builder::run, "x"_a, "y"_a.noconvert())
      .def_prop_ro("target", &Builder::target)
      .def_prop_ro("kernels", &Builder::kernels);
}

}  // namespace subpixel
