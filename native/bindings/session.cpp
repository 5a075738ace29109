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

// Far beyond any network of this field, and so small that no product leaves an int.
constexpr int kMaxChannels = 65536, kMaxScale = 64, kMaxHalo = 1 << 20;

// Collects layers by number and checks that they fit each other, so that no call can make the engine leave its memory.
// The network was validated before, so a failure is a defect of the caller.
class Builder {
 public:
  Builder(int channels, int scale, int halo, bool zero_border, int threads, const std::string& target)
      : session_(channels, scale, halo, zero_border, threads, target), halo_(halo), values_{{channels, 1, 0}} {
    need(channels <= kMaxChannels && scale <= kMaxScale && halo <= kMaxHalo, "channels, scale or halo is too large");
  }

  void conv(int source, int scale, int lost, In<4> weight, std::optional<In<1>> bias, const std::string& activation,
            std::optional<In<1>> slope) {
    const ValueShape from = at(source);
    need(weight.shape(0) >= 1 && weight.shape(0) <= kMaxChannels, "weight has no or too many output channels");
    need(weight.shape(1) == static_cast<std::size_t>(from.channels), "weight does not fit its source");
    const std::size_t largest = std::max(weight.shape(2), weight.shape(3));
    need(weight.shape(2) % 2 == 1 && weight.shape(3) % 2 == 1 && largest <= kMaxHalo, "kernel sides must be odd");
    need(scale == from.scale && lost == from.lost + static_cast<int>(largest / 2), "scale or lost does not fit");
    const int out = static_cast<int>(weight.shape(0));
    need(!bias || bias->shape(0) == weight.shape(0), "bias does not fit the weight");
    need(!slope || slope->shape(0) == weight.shape(0), "slope does not fit the weight");
    const auto kind = activation_of(activation);
    need(kind != Activation::prelu || slope, "prelu without slopes");
    session_.add_conv(append({out, scale, lost}), source, static_cast<int>(weight.shape(2)),
                      static_cast<int>(weight.shape(3)), weight.data(), bias ? bias->data() : nullptr, kind,
                      slope ? slope->data() : nullptr);
  }

  void add(const std::vector<int>& sources, int lost) {
    const ValueShape first = common_shape(sources, lost, true);
    session_.add_step(append({first.channels, first.scale, lost}), AddStep{sources});
  }

  void concat(const std::vector<int>& sources, int lost) {
    const ValueShape first = common_shape(sources, lost, false);
    std::ptrdiff_t channels = 0;
    for (int s : sources) channels += at(s).channels;
    need(channels <= kMaxChannels, "too many channels");
    session_.add_step(append({static_cast<int>(channels), first.scale, lost}), ConcatStep{sources});
  }

  void resize(int source, int factor, int lost, const std::vector<int>& offset, const std::vector<float>& weight) {
    const ValueShape from = at(source);
    need(factor >= 1 && factor <= kMaxScale, "factor must be 1 to 64");
    need(!offset.empty() && offset.size() % static_cast<std::size_t>(factor) == 0 && offset.size() == weight.size(),
         "taps do not fit the factor");
    for (int o : offset) need(o >= -kMaxHalo && o <= kMaxHalo, "a tap is too far away");
    session_.add_step(append({from.channels, from.scale * factor, lost}),
                      ResizeStep{source, factor, static_cast<int>(offset.size()) / factor, offset, weight});
  }

  void pixel_shuffle(int source, int factor, const std::string& order, int lost) {
    const ValueShape from = at(source);
    need(factor >= 1 && factor <= kMaxScale, "factor must be 1 to 64");
    need(from.channels % (factor * factor) == 0, "channels do not fit the factor");
    need(order == "CRD" || order == "DCR", "order must be CRD or DCR");
    need(lost == from.lost * factor, "lost does not fit");
    session_.add_step(append({from.channels / (factor * factor), from.scale * factor, lost}),
                      ShuffleStep{source, factor, order == "CRD"});
  }

  void run(In<3> x, Out y) const {
    need(values_.size() > 1, "no layers");
    const std::size_t s = static_cast<std::size_t>(session_.scale());
    need(values_.back().scale == session_.scale() && values_.back().channels == static_cast<int>(y.shape(0)),
         "y does not fit the result");
    need(static_cast<int>(x.shape(0)) == session_.channels(), "x does not fit the network's channels");
    need(y.shape(1) == x.shape(1) * s && y.shape(2) == x.shape(2) * s, "y is not scale times x");
    // Coordinates are int inside; the largest is (side + halo) * scale.
    need(x.shape(1) < (1u << 30) / s && x.shape(2) < (1u << 30) / s, "a side is too long");
    nb::gil_scoped_release release;
    session_.run(x.data(), static_cast<int>(x.shape(1)), static_cast<int>(x.shape(2)), y.data());
  }

  std::string target() const { return session_.target(); }
  std::string kernels() const { return session_.kernels(); }

 private:
  const ValueShape& at(int value) const {
    need(value >= 0 && value < static_cast<int>(values_.size()), "a source that does not exist");
    return values_[static_cast<std::size_t>(value)];
  }
  ValueShape common_shape(const std::vector<int>& sources, int lost, bool same_channels) const {
    need(!sources.empty(), "no sources");
    const ValueShape first = at(sources[0]);
    for (int s : sources) {
      need(at(s).scale == first.scale && (!same_channels || at(s).channels == first.channels), "sources differ");
      need(at(s).lost <= lost, "lost does not fit");
    }
    return first;
  }
  // Within the halo every value keeps at least one sample for each of the tile's.
  ValueShape append(ValueShape shape) {
    need(shape.scale <= kMaxScale, "the scale is too large");
    need(shape.lost >= 0 && shape.lost <= std::ptrdiff_t{halo_} * shape.scale, "a layer loses more than the halo");
    values_.push_back(shape);
    return shape;
  }

  Session session_;
  int halo_;
  std::vector<ValueShape> values_;
};

}  // namespace

void bind_session(nb::module_& m) {
  nb::class_<Builder>(m, "Session",
                      "A network for f32 planes. Value 0 is the input; each layer computes the next value.")
      .def(nb::init<int, int, int, bool, int, const std::string&>(), "channels"_a, "scale"_a, "halo"_a, "zero_border"_a,
           "threads"_a, "target"_a)
      .def("conv", &Builder::conv, "source"_a, "scale"_a, "lost"_a, "weight"_a, "bias"_a.none(), "activation"_a,
           "slope"_a.none())
      .def("add", &Builder::add, "sources"_a, "lost"_a)
      .def("concat", &Builder::concat, "sources"_a, "lost"_a)
      .def("resize", &Builder::resize, "source"_a, "factor"_a, "lost"_a, "offset"_a, "weight"_a)
      .def("pixel_shuffle", &Builder::pixel_shuffle, "source"_a, "factor"_a, "order"_a, "lost"_a)
      // y is written in place: if it were converted, the result would go to a copy
      .def("run", &Builder::run, "x"_a, "y"_a.noconvert())
      .def_prop_ro("target", &Builder::target)
      .def_prop_ro("kernels", &Builder::kernels);
}

}  // namespace subpixel
