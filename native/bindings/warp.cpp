// Binds sampling at given positions, and affine grids.
#include "subpixel/warp.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "bindings.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace subpixel {
namespace {

template <class T, int dims>
using In = nb::ndarray<const T, nb::ndim<dims>, nb::c_contig, nb::device::cpu>;
template <class T, int dims>
using Out = nb::ndarray<T, nb::ndim<dims>, nb::c_contig, nb::device::cpu>;

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

// Each side must be 1 … kMaxWarpSide and their product at most kMaxWarpPlane.
void need_sides(std::initializer_list<std::size_t> sides) {
  std::size_t plane = 1;
  for (std::size_t side : sides) {
    need(side >= 1 && side <= kMaxWarpSide, "a side of x is 0 or too long");
    need(side <= kMaxWarpPlane / plane, "a plane of x is too large");
    plane *= side;
  }
}

template <class T>
constexpr Sample sample_of() {
  return sizeof(T) == 1 ? Sample::u8 : sizeof(T) == 2 ? Sample::u16 : Sample::f32;
}

template <class T>
void warp_images(In<T, 4> x, In<float, 4> positions, Out<T, 4> y, bool channels_last, bool flow, bool positions_last,
                   bool align_corners, const std::string& mode, const std::string& padding_mode, double a, int threads,
                   const std::string& target) {
  const Sampling sampling = sampling_of(mode);
  const Outside outside = outside_of(padding_mode);
  const int c = channels_last ? 3 : 1, h = channels_last ? 1 : 2, p = positions_last ? 1 : 2;
  const std::size_t channels = x.shape(c), height = x.shape(h), width = x.shape(h + 1);
  const std::size_t rows = y.shape(h), columns = y.shape(h + 1);
  need(threads >= 1, "threads must be at least 1");
  need_sides({height, width});
  need(std::max({channels, rows, columns}) <= kMaxWarpPlane, "y is too large");
  need(y.shape(0) == x.shape(0) && y.shape(c) == channels, "y does not fit x");
  need(positions.shape(0) == x.shape(0) && positions.shape(positions_last ? 3 : 1) == 2 && positions.shape(p) == rows &&
           positions.shape(p + 1) == columns,
       "places do not fit y");
  // With one channel both layouts are the same.
  const Warp first{x.data(), static_cast<int>(channels), static_cast<int>(height), static_cast<int>(width),
                   positions.data(), y.data(), static_cast<int>(rows), static_cast<int>(columns), sample_of<T>(),
                   channels_last && channels > 1, flow, positions_last, align_corners, sampling, outside, a};
  nb::gil_scoped_release release;
  // Without channels there is nothing to write and no pixel to address.
  if (channels > 0) warp(first, static_cast<std::ptrdiff_t>(x.shape(0)), threads, target);
}

void warp_all_volumes(In<float, 5> x, In<float, 5> positions, Out<float, 5> y, bool align_corners,
                      const std::string& mode, const std::string& padding_mode, int threads,
                      const std::string& target) {
  const Sampling sampling = sampling_of(mode);
  const Outside outside = outside_of(padding_mode);
  need(sampling != Sampling::bicubic, "mode must be nearest or bilinear");
  need(threads >= 1, "threads must be at least 1");
  need_sides({x.shape(2), x.shape(3), x.shape(4)});
  need(std::max({x.shape(1), y.shape(2), y.shape(3), y.shape(4)}) <= kMaxWarpPlane, "y is too large");
  need(y.shape(0) == x.shape(0) && y.shape(1) == x.shape(1), "y does not fit x");
  need(positions.shape(0) == x.shape(0) && positions.shape(1) == y.shape(2) && positions.shape(2) == y.shape(3) &&
           positions.shape(3) == y.shape(4) && positions.shape(4) == 3,
       "places do not fit y");
  const auto side = [](std::size_t n) { return static_cast<int>(n); };
  const WarpVolume first{x.data(), side(x.shape(1)), side(x.shape(2)), side(x.shape(3)), side(x.shape(4)),
                         positions.data(), y.data(), side(y.shape(2)), side(y.shape(3)), side(y.shape(4)),
                         align_corners, sampling, outside};
  nb::gil_scoped_release release;
  warp_volumes(first, static_cast<std::ptrdiff_t>(x.shape(0)), threads, target);
}

void grid_of_map(In<float, 3> theta, const std::vector<In<float, 1>>& at, Out<float, 2> y, int threads,
                 const std::string& target) {
  const std::size_t dims = at.size();
  need(threads >= 1, "threads must be at least 1");
  need(dims == 2 || dims == 3, "places of two or three axes are needed");
  need(theta.shape(1) == dims && theta.shape(2) == dims + 1, "theta does not fit the places");
  AffineGrid grid{theta.data(), static_cast<int>(dims), {}, {}, y.data()};
  std::size_t positions = theta.shape(0);
  for (std::size_t k = 0; k < dims; ++k) {
    const std::size_t side = at[k].shape(0);
    need(side >= 1 && side <= kMaxWarpPlane, "a side is out of range");
    need(positions <= (std::size_t{1} << 46) / side, "too large");
    positions *= side;
    grid.sides[k] = static_cast<int>(side);
    grid.at[k] = at[k].data();
  }
  need(y.shape(0) == positions && y.shape(1) == dims, "y does not fit the places");
  nb::gil_scoped_release release;
  affine_grid(grid, static_cast<std::ptrdiff_t>(theta.shape(0)), threads, target);
}

template <class T>
void bind_images(nb::module_& m) {
  // y is written in place: if it were converted, the result would go to a copy
  m.def("warp", &warp_images<T>, "x"_a.noconvert(), "places"_a.noconvert(), "y"_a.noconvert(), "channels_last"_a,
        "flow"_a, "places_last"_a, "align_corners"_a, "mode"_a, "padding_mode"_a, "a"_a, "threads"_a, "target"_a,
        "Samples x (N, C, H, W) or (N, H, W, C) at places (N, rows, columns, 2) or (N, 2, rows, columns): those of "
        "grid_sample, or with flow those of warp.");
}

}  // namespace

void bind_warp(nb::module_& m) {
  bind_images<float>(m);
  bind_images<unsigned char>(m);
  bind_images<unsigned short>(m);
  m.def("warp_volumes", &warp_all_volumes, "x"_a.noconvert(), "places"_a.noconvert(), "y"_a.noconvert(),
        "align_corners"_a, "mode"_a, "padding_mode"_a, "threads"_a, "target"_a,
        "Samples x (N, C, D, H, W) at grid_sample's places (N, slices, rows, columns, 3).");
  m.def("affine_grid", &grid_of_map, "theta"_a.noconvert(), "at"_a, "y"_a.noconvert(), "threads"_a, "target"_a,
        "Maps the places of each axis, the outermost first, by theta (N, dims, dims + 1) and writes the results to "
        "y (N * places, dims).");
}

}  // namespace subpixel
