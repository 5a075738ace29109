// Binds max unpooling.
#include "subpixel/pool.hpp"

#include <nanobind/ndarray.h>

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

}  // namespace

void bind_pool(nb::module_& m) {
  m.def("max_unpool", &unpool_bytes, "values"_a, "positions"_a, "y"_a.noconvert(), "planes"_a, "count"_a, "size"_a,
        "item"_a, "index"_a, "across"_a, "zeroed"_a, "threads"_a,
        "Writes values of `item` bytes to their positions in y. Returns False, with y undefined, if a position lies "
        "outside its plane.");
}

}  // namespace subpixel
