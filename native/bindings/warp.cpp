#include "subpixel/warp.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <string>

#include "bindings.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace subpixel {
namespace {

using In = nb::ndarray<const float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<float, nb::ndim<4>, nb::c_contig, nb::device::cpu>;

Sampling sampling_of(const std::string& mode) {
  if (mode == "nearest") return Sampling::nearest;
  if (mode == "bilinear") return Sampling::bilinear;
  need(mode == "bicubic", "mode must be nearest, bilinear or bicubic");
  return Sampling::bicubic;
}

Outside outside_of(const std::string& padding_mode) {
  if (padding_mode == "zeros") return Outside::zeros;
  if (padding_mode == "border") return Outside::border;
  need(padding_mode == "reflection", "padding_mode must be zeros, border or reflection");
  return Outside::reflection;
}

void warp_planes(In x, In places, Out y, bool flow, bool align_corners, const std::string& mode,
                 const std::string& padding_mode, double a, int threads, const std::string& target) {
  const Sampling sampling = sampling_of(mode);
  const Outside outside = outside_of(padding_mode);
  const std::size_t height = x.shape(2), width = x.shape(3), rows = y.shape(2), columns = y.shape(3);
  need(threads >= 1, "threads must be at least 1");
  need(height >= 1 && width >= 1 && std::max(height, width) <= kMaxWarpSide, "a side of x is 0 or too long");
  need(height * width <= kMaxWarpPlane, "a plane of x is too large");
  need(std::max({x.shape(1), rows, columns}) <= kMaxWarpPlane, "y is too large");
  need(y.shape(0) == x.shape(0) && y.shape(1) == x.shape(1), "y does not fit x");
  const bool fits = flow ? places.shape(1) == 2 && places.shape(2) == rows && places.shape(3) == columns
                         : places.shape(1) == rows && places.shape(2) == columns && places.shape(3) == 2;
  need(places.shape(0) == x.shape(0) && fits, "places do not fit y");
  const WarpF32 first{x.data(), static_cast<int>(x.shape(1)), static_cast<int>(height), static_cast<int>(width),
                      places.data(), y.data(), static_cast<int>(rows), static_cast<int>(columns), flow,
                      align_corners, sampling, outside, a};
  nb::gil_scoped_release release;
  warp(first, static_cast<std::ptrdiff_t>(x.shape(0)), threads, target);
}

}  // namespace

void bind_warp(nb::module_& m) {
  // y is written in place: converted, it would be a copy that nobody sees
  m.def("warp", &warp_planes, "x"_a, "places"_a, "y"_a.noconvert(), "flow"_a, "align_corners"_a, "mode"_a,
        "padding_mode"_a, "a"_a, "threads"_a, "target"_a,
        "Writes to y what x (N, C, H, W) holds at places: grid_sample's (N, rows, columns, 2), or with flow warp's "
        "(N, 2, rows, columns).");
}

}  // namespace subpixel
