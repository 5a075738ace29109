// Binds sub-pixel convolution.
#include "subpixel/conv.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "bindings.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace subpixel {
namespace {

template <int Axes>
using In = nb::ndarray<const float, nb::ndim<Axes>, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Pair = std::pair<std::ptrdiff_t, std::ptrdiff_t>;  // of rows, of columns

// Coordinates in the result, times a stride, stay far below 2^62.
constexpr std::size_t kMaxSide = std::size_t{1} << 40;
constexpr std::size_t kMaxChannels = 1 << 20;
constexpr std::ptrdiff_t kMaxFactor = 1024;

void need_pair(const Pair& p, std::ptrdiff_t least, std::ptrdiff_t most, const char* message) {
  need(std::min(p.first, p.second) >= least && std::max(p.first, p.second) <= most, message);
}

int reach(std::size_t kernel, std::ptrdiff_t dilation) {
  need(kernel >= 1 && kernel <= kMaxConvReach && (static_cast<std::ptrdiff_t>(kernel) - 1) * dilation < kMaxConvReach,
       "the kernel reaches too far");
  return static_cast<int>(kernel);
}

void conv_planes(In<4> x, In<4> weight, std::optional<In<1>> bias, Out y, int groups, Pair stride, Pair dilation,
                 Pair padding, Pair r, Pair full, Pair crop, bool crd, bool channels_last, int threads,
                 const std::string& target) {
  const int row = channels_last ? 1 : 2, channel = channels_last ? 3 : 1;
  need(threads >= 1, "threads must be at least 1");
  need_pair(stride, 1, kMaxConvStride, "a stride is out of range");
  need_pair(dilation, 1, kMaxConvReach, "a dilation is out of range");
  need_pair(padding, 0, static_cast<std::ptrdiff_t>(kMaxSide), "a padding is out of range");
  need_pair(crop, 0, static_cast<std::ptrdiff_t>(kMaxSide), "a crop is out of range");
  need_pair(r, 1, kMaxFactor, "a factor is out of range");
  need(full.first >= 1 && full.first <= r.first && full.second >= 1 && full.second <= r.second, "full does not fit r");
  for (std::size_t side : {x.shape(row), x.shape(row + 1), y.shape(row), y.shape(row + 1)})
    need(side <= kMaxSide, "a side is too long");
  const std::size_t outputs = weight.shape(0), cell = static_cast<std::size_t>(r.first * r.second);
  need(groups >= 1 && outputs >= 1 && outputs <= kMaxChannels && outputs % static_cast<std::size_t>(groups) == 0 &&
           outputs % cell == 0, "weight's rows do not fit the groups and factors");
  need(weight.shape(1) >= 1 && weight.shape(1) <= kMaxChannels / static_cast<std::size_t>(groups) &&
           x.shape(channel) == weight.shape(1) * static_cast<std::size_t>(groups), "x does not fit the weight");
  need(!bias || bias->shape(0) == outputs, "bias does not fit the weight");
  need(y.shape(0) == x.shape(0) && y.shape(channel) == outputs / cell, "y does not fit");
  const SubpixelConv s{
      x.data(), static_cast<std::ptrdiff_t>(x.shape(0)), static_cast<std::ptrdiff_t>(x.shape(row)),
      static_cast<std::ptrdiff_t>(x.shape(row + 1)), groups, static_cast<int>(weight.shape(1)),
      static_cast<int>(outputs) / groups, weight.data(), bias ? bias->data() : nullptr,
      reach(weight.shape(2), dilation.first), reach(weight.shape(3), dilation.second), static_cast<int>(stride.first),
      static_cast<int>(stride.second), static_cast<int>(dilation.first), static_cast<int>(dilation.second),
      padding.first, padding.second, static_cast<int>(r.first), static_cast<int>(r.second),
      static_cast<int>(full.first), static_cast<int>(full.second), crd, channels_last, y.data(), crop.first,
      crop.second, static_cast<std::ptrdiff_t>(y.shape(row)), static_cast<std::ptrdiff_t>(y.shape(row + 1))};
  nb::gil_scoped_release release;
  subpixel_conv(s, threads, target);
}

}  // namespace

void bind_conv(nb::module_& m) {
  m.def("subpixel_conv", &conv_planes, "x"_a, "weight"_a, "bias"_a.none(), "y"_a.noconvert(), "groups"_a, "stride"_a,
        "dilation"_a, "padding"_a, "r"_a, "full"_a, "crop"_a, "crd"_a, "channels_last"_a, "threads"_a, "target"_a,
        "Writes to y the part at crop of the shuffled convolution of x, which zeros surround; padding: the zeros "
        "before x. Phases from full on skip the first tap.");
}

}  // namespace subpixel
