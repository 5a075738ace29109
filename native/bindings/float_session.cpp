// Binds sessions for float chains.
#include "chain.hpp"
#include "subpixel/float_session.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace subpixel {
namespace {

FloatPrecision precision_of(const std::string& name) {
  need(name == "f32" || name == "bf16", "precision must be f32 or bf16");
  return name == "f32" ? FloatPrecision::f32 : FloatPrecision::bf16;
}

class FloatBuilder : public ChainBuilder<FloatSession> {
 public:
  FloatBuilder(const std::string& precision, int channels, int scale, bool crd, bool base, bool zero_border,
               int threads, const std::string& target)
      : ChainBuilder(channels, precision_of(precision), check_shape(channels, scale, crd, base, zero_border),
                     std::max(1, threads), target) {}

  void conv(ChainIn<float, 4> weight, std::optional<ChainIn<float, 1>> bias, std::optional<ChainIn<float, 1>> slope,
            const std::string& activation, bool last, int skip) {
    check(weight, last, skip);
    const std::size_t out = weight.shape(0);
    FloatLayer layer{static_cast<int>(weight.shape(1)), static_cast<int>(out), static_cast<int>(weight.shape(2)),
                     static_cast<int>(weight.shape(3)), activation_of(activation), {}, {}, {}, last, skip};
    need(!last || layer.activation == Activation::none, "an activation after the last layer");
    layer.weight.assign(weight.data(), weight.data() + weight.size());
    if (bias) layer.bias = constants<float>(*bias, out);
    need(layer.activation != Activation::prelu || slope, "prelu without slopes");
    if (slope) layer.slope = constants<float>(*slope, out);
    append(layer);
  }
};

}  // namespace

void bind_float_session(nb::module_& m) {
  nb::class_<FloatBuilder> bound(m, "FloatSession",
                                 "A chain of convolutions in f32 or bf16 and a pixel shuffle, for planes of f32.");
  bound
      .def(nb::init<const std::string&, int, int, bool, bool, bool, int, const std::string&>(), "precision"_a,
           "channels"_a, "scale"_a, "crd"_a, "base"_a, "zero_border"_a, "threads"_a, "target"_a)
      .def("conv", &FloatBuilder::conv, "weight"_a, "bias"_a.none(), "slope"_a.none(), "activation"_a, "last"_a,
           "skip"_a);
  bind_runs(bound);
}

}  // namespace subpixel
