// Binds sessions for int8 chains.
#include "chain.hpp"
#include "subpixel/integer_session.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace subpixel {
namespace {

// Clipping to a byte includes clip.
Activation byte_activation(const std::string& name) { return name == "clip" ? Activation::none : activation_of(name); }

ConvForm form_of(const std::string& name) {
  need(name.empty() || name == "direct" || name == "winograd", "form must be direct, winograd or empty");
  return name.empty() ? ConvForm::faster : name == "direct" ? ConvForm::direct : ConvForm::winograd;
}

class IntegerBuilder : public ChainBuilder<IntegerSession> {
 public:
  IntegerBuilder(int channels, int scale, bool crd, bool base, bool zero_border, int threads, const std::string& target,
                 const std::string& form)
      : ChainBuilder(channels, check_shape(channels, scale, crd, base, zero_border), std::max(1, threads), target,
                     form_of(form)) {}

  void conv(ChainIn<std::int8_t, 4> weight, ChainIn<std::int32_t, 1> bias, ChainIn<std::int32_t, 1> shift,
            ChainIn<std::int16_t, 1> multiplier, std::optional<ChainIn<std::int16_t, 1>> slope,
            const std::string& activation, int zero, bool last, int skip, int skip_gain) {
    check(weight, last, skip);
    need(zero >= 0 && zero <= 255, "zero must be a byte");
    need(skip_gain >= -32768 && skip_gain <= 32767, "skip_gain must have 16 bits");
    const std::size_t out = weight.shape(0);
    IntegerLayer layer{static_cast<int>(weight.shape(1)),
                       static_cast<int>(out),
                       static_cast<int>(weight.shape(2)),
                       static_cast<int>(weight.shape(3)),
                       byte_activation(activation),
                       zero,
                       {},
                       {},
                       {},
                       {},
                       {},
                       last,
                       skip,
                       static_cast<std::int16_t>(skip_gain)};
    need(skip < 0 || layer.activation != Activation::tanh, "a skip after tanh");
    layer.weight.assign(weight.data(), weight.data() + weight.size());
    layer.bias = constants<std::int32_t>(bias, out);
    layer.shift = constants<std::int32_t>(shift, out);
    layer.multiplier = constants<std::int16_t>(multiplier, out);
    for (std::int32_t s : layer.shift) need(s >= 0 && s <= 31, "shift must be 0 to 31");
    for (std::int16_t m : layer.multiplier) need(m >= 0, "multiplier must not be negative");
    need(layer.activation != Activation::prelu || slope, "prelu without slopes");
    if (slope) layer.slope = constants<std::int16_t>(*slope, out);
    append(layer);
  }

  std::vector<std::string> forms() const {
    std::vector<std::string> names;
    for (int k = 0; k < session().layers(); ++k) names.emplace_back(session().winograd(k) ? "winograd" : "direct");
    return names;
  }
};

}  // namespace

void bind_integer_session(nb::module_& m) {
  nb::class_<IntegerBuilder> bound(m, "IntegerSession",
                                   "A chain of quantised convolutions and a pixel shuffle, for planes of u8 or f32.");
  bound
      .def(nb::init<int, int, bool, bool, bool, int, const std::string&, const std::string&>(), "channels"_a, "scale"_a,
           "crd"_a, "base"_a, "zero_border"_a, "threads"_a, "target"_a, "form"_a = "")
      .def("conv", &IntegerBuilder::conv, "weight"_a, "bias"_a, "shift"_a, "multiplier"_a, "slope"_a.none(),
           "activation"_a, "zero"_a, "last"_a, "skip"_a, "skip_gain"_a)
      .def("run", &IntegerBuilder::run<std::uint8_t>, "x"_a, "y"_a.noconvert())
      .def_prop_ro("forms", &IntegerBuilder::forms, "How each layer is computed: 'direct' or 'winograd'.");
  bind_runs(bound);
}

}  // namespace subpixel
