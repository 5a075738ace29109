// Binds max unpooling.
#include "subpixel/pool.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>

#include <array>

#include "bindings.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace subpixel {
namespace {

using Bytes = nb::ndarray<const unsigned char, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using OutBytes = nb::ndarray<unsigned char, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// No array has more bytes, and products of sizes stay below 2^62.
constexpr std::size_t kMaxBytes = std::size_t{1} << 46;
constexpr int kMaxThreads = 1 << 16;

bool whole(std::size_t bytes, std::size_t planes, std::size_t count, int item) {
  const std::size_t plane = count * static_cast<std::size_t>(item);
  return (plane == 0 || planes <= kMaxBytes / plane) && bytes == planes * plane;
}

bool unpool_bytes(Bytes values, Bytes positions, OutBytes y, std::size_t planes, std::size_t count, std::size_t size,
                  int item, int index, bool across, bool zeroed, int threads) {
  need(threads >= 1 && threads <= kMaxThreads, "threads must be at least 1");
  need(item == 1 || item == 2 || item == 4 || item == 8, "item must be 1, 2, 4 or 8");
  need(index == 4 || index == 8, "index must be 4 or 8");
  need(planes <= kMaxBytes && count <= kMaxBytes / 8 && size <= kMaxBytes / 8 / kMaxThreads, "too large");
  need(whole(values.shape(0), planes, count, item), "values do not fit");
  need(whole(positions.shape(0), planes, count, index), "positions do not fit");
  need(whole(y.shape(0), planes, size, item), "y does not fit");
  const Unpool u{values.data(), positions.data(), y.data(), static_cast<std::ptrdiff_t>(planes),
                 static_cast<std::ptrdiff_t>(count), static_cast<std::ptrdiff_t>(size), item, index, across, zeroed};
  nb::gil_scoped_release release;
  return unpool(u, threads);
}

// Numbers of windows and of samples of one axis, then kernel, stride and padding before it.
using Axis = std::array<std::int64_t, 5>;

bool bytes_in_windows(Bytes positions, std::size_t planes, const std::array<Axis, 3>& axes, int index, bool across,
                      int threads) {
  need(threads >= 1 && threads <= kMaxThreads, "threads must be at least 1");
  need(index == 4 || index == 8, "index must be 4 or 8");
  PoolPositions p{positions.data(), static_cast<std::ptrdiff_t>(planes), {}, index, across};
  std::size_t count = 1, size = 1;
  for (int k = 0; k < 3; ++k) {
    const Axis& axis = axes[k];
    for (std::int64_t number : axis) need(number >= 0 && number < std::int64_t{1} << 31, "an axis is out of range");
    need(axis[2] >= 1 && axis[3] >= 1, "kernel and stride must be at least 1");
    need(axis[0] == 0 || count <= kMaxBytes / static_cast<std::size_t>(axis[0]), "too large");
    need(axis[1] == 0 || size <= kMaxBytes / static_cast<std::size_t>(axis[1]), "too large");
    count *= static_cast<std::size_t>(axis[0]);
    size *= static_cast<std::size_t>(axis[1]);
    p.axes[k] = {axis[0], axis[1], axis[2], axis[3], axis[4]};
  }
  need(planes <= kMaxBytes && (size == 0 || planes <= (std::size_t{1} << 62) / size), "too large");
  need(count <= kMaxBytes / 8 && whole(positions.shape(0), planes, count, index), "positions do not fit");
  nb::gil_scoped_release release;
  return in_windows(p, threads);
}

}  // namespace

void bind_pool(nb::module_& m) {
  m.def("in_windows", &bytes_in_windows, "positions"_a, "planes"_a, "axes"_a, "index"_a, "across"_a, "threads"_a,
        "Whether every position is that of a sample in its own window. An axis is its windows, its samples, kernel, "
        "stride and padding; there are three, the innermost last.");
  m.def("max_unpool", &unpool_bytes, "values"_a, "positions"_a, "y"_a.noconvert(), "planes"_a, "count"_a, "size"_a,
        "item"_a, "index"_a, "across"_a, "zeroed"_a, "threads"_a,
        "Writes values of `item` bytes to their positions in y. Returns False, with y undefined, if a position lies "
        "outside its plane.");
}

}  // namespace subpixel
