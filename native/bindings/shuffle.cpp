// Binds pixel shuffle and its inverse.
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <string>

#include "bindings.hpp"
#include "subpixel/permute.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace subpixel {
namespace {

// Patterns are tables over the channels of a pixel; products of sizes stay below 2^62.
constexpr int kMaxCell = 4096;
constexpr std::size_t kMaxBytes = std::size_t{1} << 46;

// Of any dtype and shape: only the bytes are read.
using Bytes = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using OutBytes = nb::ndarray<nb::c_contig, nb::device::cpu>;

void shuffle_bytes(Bytes from, OutBytes to, std::size_t n, std::size_t c, std::size_t h, std::size_t w, int rh, int rw,
                   int item, bool channels_last, bool crd, bool inverse, int threads, const std::string& target) {
  need(threads >= 1, "threads must be at least 1");
  need(item == 1 || item == 2 || item == 4 || item == 8, "item must be 1, 2, 4 or 8");
  need(rh >= 1 && rw >= 1 && rh <= kMaxCell && rw <= kMaxCell, "a factor is out of range");
  std::size_t size = static_cast<std::size_t>(item) * static_cast<std::size_t>(rh) * static_cast<std::size_t>(rw);
  for (std::size_t side : {n, c, h, w}) {
    need(side == 0 || size <= kMaxBytes / side, "too large");
    size *= side;
  }
  need(from.nbytes() == size && to.nbytes() == size, "the sizes do not fit the arrays");
  need(c * static_cast<std::size_t>(rh) * static_cast<std::size_t>(rw) <= kMaxCell, "too many channels");
  const Shuffle s{static_cast<std::ptrdiff_t>(n), static_cast<std::ptrdiff_t>(c), static_cast<std::ptrdiff_t>(h),
                  static_cast<std::ptrdiff_t>(w), rh, rw, item, channels_last, crd, inverse};
  nb::gil_scoped_release release;
  shuffle(s, static_cast<const unsigned char*>(from.data()), static_cast<unsigned char*>(to.data()), threads, target);
}

}  // namespace

void bind_shuffle(nb::module_& m) {
  m.def("shuffle", &shuffle_bytes, "from_"_a, "to"_a.noconvert(), "n"_a, "c"_a, "h"_a, "w"_a, "rh"_a, "rw"_a, "item"_a,
        "channels_last"_a, "crd"_a, "inverse"_a, "threads"_a, "target"_a,
        "Pixel shuffle of bytes; c, h, w: channels and sides of the small image; inverse: the other direction.");
}

}  // namespace subpixel
