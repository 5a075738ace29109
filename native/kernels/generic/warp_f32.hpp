// Sampling at given positions with sums in f32, written once over a vector of kLanes floats. Each target's file defines
// SUBPIXEL_TARGET_NS and kLanes before it includes this. As in vec_f32.hpp nothing of the standard library may be
// instantiated here.
//
// These files are compiled with -ffp-contract=off: every target, and NumPy's version in ops/warping/sampling.py, which
// does the same operations in the same order, give the same bits.
//
// First the positions of a block (sample_positions.hpp) and the taps at them (taps_f32.hpp) are computed in vectors.
// Then follow the sums, of planes one after the other (planes_f32.hpp) or of pixels (pixels_f32.hpp): neighbours wholly
// inside the image are loaded together, others one by one. An address is only computed from a position after its
// integer has been compared with the sides.

#include "nearest.hpp"
#include "affine_grid_f32.hpp"
#include "pixels_f32.hpp"
#include "planes_f32.hpp"
#include "tables.hpp"
#include "volume_f32.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

template <Outside outside, class T>
void bilinear(const Warp& w, const Axis& ax, const Axis& ay, int row, int first) {
  Positions at;
  find_positions<outside, false>(w, ax, ay, row, first, at);
  Corners k;
  find_corners(w, at, k);
  if (w.channels_last)
    bilinear_pixels<T>(w, at, k, row, first);
  else
    bilinear_planes(w, at, k, row, first, T{});
}

template <Outside outside, class T>
void bicubic(const Warp& w, const Axis& ax, const Axis& ay, int row, int first) {
  Positions at;
  find_positions<outside, true>(w, ax, ay, row, first, at);
  Taps k;
  find_taps<outside>(w, ax, ay, at, k);
  if (w.channels_last)
    bicubic_pixels<T>(w, at, k, row, first);
  else
    bicubic_planes<T>(w, at, k, row, first);
}

template <Outside outside, class T>
void sums(const Warp& w, const Axis& ax, const Axis& ay, int row, int first) {
  if (w.sampling == Sampling::bilinear) return bilinear<outside, T>(w, ax, ay, row, first);
  return bicubic<outside, T>(w, ax, ay, row, first);
}

template <Outside outside>
void sample(const Warp& w, const Axis& ax, const Axis& ay, int row, int first) {
  if (w.sampling == Sampling::nearest) return nearest<outside>(w, ax, ay, row, first);
  switch (w.sample) {
    case Sample::u8: return sums<outside, Byte>(w, ax, ay, row, first);
    case Sample::u16: return sums<outside, Short>(w, ax, ay, row, first);
    case Sample::f32: return sums<outside, float>(w, ax, ay, row, first);
  }
}

void warp_block(const Warp& w, int row, int first) {
  const Axis ax(w.width, w.align_corners), ay(w.height, w.align_corners);
  switch (w.outside) {
    case Outside::zeros: return sample<Outside::zeros>(w, ax, ay, row, first);
    case Outside::border: return sample<Outside::border>(w, ax, ay, row, first);
    case Outside::reflection: return sample<Outside::reflection>(w, ax, ay, row, first);
  }
}

}  // namespace

constexpr WarpKernels warp_kernels = {warp_block, volume_block, grid_line};

}  // namespace subpixel::SUBPIXEL_TARGET_NS
