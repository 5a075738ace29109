// Binds the luma of an image and its composition.
#include "images.hpp"

#include <cstdint>

namespace nb = nanobind;
using namespace nb::literals;

namespace subpixel {
namespace {

template <class Pixel>
void luma(ImageIn<Pixel> x, nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu> y, const std::string& alpha,
          int threads, const std::string& target) {
  const Pixels<Pixel> pixels = pixels_of(x, alpha);
  need(threads >= 1, "threads must be at least 1");
  need(y.shape(0) == x.shape(0) && y.shape(1) == x.shape(1), "y does not fit x");
  nb::gil_scoped_release release;
  luma_plane(pixels, y.data(), threads, target);
}

template <class Pixel>
void compose_rows(ImageIn<Pixel> x, int top, int bottom,
              nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu> net,
              ImageOut<Pixel> y, const std::vector<int>& first, const std::vector<float>& weight,
              const std::string& alpha, int threads, const std::string& target) {
  const Pixels<Pixel> pixels = pixels_of(x, alpha);
  const std::vector<Phase> phases = phases_of(first, weight);
  need(threads >= 1, "threads must be at least 1");
  need_scaled_size(pixels, y, phases.size());
  need(0 <= top && top < bottom && bottom <= pixels.height, "top and bottom are not rows of x");
  need(net.shape(0) == static_cast<std::size_t>(bottom - top) * phases.size() && net.shape(1) == y.shape(1),
       "net does not fit the rows");
  nb::gil_scoped_release release;
  compose(pixels, top, bottom, net.data(), phases, y.data(), threads, target);
}

template <class Pixel>
void interpolate(ImageIn<Pixel> x, ImageOut<Pixel> y, const std::vector<int>& first, const std::vector<float>& weight,
                 int threads, const std::string& target) {
  Pixels<Pixel> pixels = pixels_of(x, x.shape(2) % 2 == 0 ? "opaque" : "none");
  pixels.alpha = Alpha::none;  // a channel like any other
  const std::vector<Phase> phases = phases_of(first, weight);
  need(threads >= 1, "threads must be at least 1");
  need_scaled_size(pixels, y, phases.size());
  nb::gil_scoped_release release;
  compose<Pixel>(pixels, 0, pixels.height, nullptr, phases, y.data(), threads, target);
}

template <class Pixel>
void bind(nb::module_& m) {
  // y is written in place: if it were converted, the result would go to a copy.
  m.def("luma", &luma<Pixel>, "x"_a.noconvert(), "y"_a.noconvert(), "alpha"_a, "threads"_a, "target"_a,
        "Writes the BT.601 studio luma of an image (H, W, C) to y (H, W); black is 16/255.");
  m.def("compose", &compose_rows<Pixel>, "x"_a.noconvert(), "top"_a, "bottom"_a, "net"_a, "y"_a.noconvert(), "first"_a,
        "weight"_a, "alpha"_a, "threads"_a, "target"_a,
        "Writes the result of rows top … bottom of the image x to y: their luma is net, all else is interpolated with "
        "the taps.");
  m.def("interpolate", &interpolate<Pixel>, "x"_a.noconvert(), "y"_a.noconvert(), "first"_a, "weight"_a, "threads"_a,
        "target"_a, "Writes an image to y, every channel interpolated with the taps, alpha too.");
}

}  // namespace

void bind_image(nb::module_& m) {
  bind<std::uint8_t>(m);
  bind<std::uint16_t>(m);
}

}  // namespace subpixel
