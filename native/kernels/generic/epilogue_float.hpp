// The epilogue of float chains: activates the sums of a block of channels, adds a skip, and stores cells or the sums
// themselves; and the chain's last step. Written once over vectors and a Math, which each target's file defines before
// it includes this.
#pragma once

#include "subpixel/float_chain_kernels.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

inline float add_base(float z, float base) { return base + z; }

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS

#include "interleave.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// The addresses at which a block of channels begins.
struct Block {
  const Cell* skip;
  Cell* out;
  float* last;
  const float *bias, *slope;

  Block(const RowConvFloat& a, std::ptrdiff_t first, std::ptrdiff_t column)
      : skip(a.skip + first / Math::kGroup * a.skip_stride + column),
        out(a.out + first / Math::kGroup * a.out_stride + column),
        last(static_cast<float*>(a.last) + first * a.last_stride + column),
        bias(a.bias + first),
        slope(a.slope + first) {}
};

// Activates and stores vectors of columns, for as many channels at a time as a cell holds.
template <Activation kind, bool Skip, int Channels, int Vectors>
inline void store_cells(const RowConvFloat& a, const Block& b, Vec (&sum)[Channels][Vectors]) {
  const std::ptrdiff_t stride = a.out_stride, skip_stride = a.skip_stride;
#pragma GCC unroll 16
  for (int c = 0; c + Math::kGroup <= Channels; c += Math::kGroup)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      const std::ptrdiff_t at = c / Math::kGroup * stride + v * kLanes;
      Vec part[2];
      for (int k = 0; k < Math::kGroup; ++k) part[k] = activate(sum[c + k][v], kind, b.slope[c + k]);
      if (Skip) Math::add(b.skip + c / Math::kGroup * skip_stride + v * kLanes, part);
      Math::store(b.out + at, part);
    }
}

template <int Channels, int Vectors>
inline void store_last(const RowConvFloat& a, const Block& b, Vec (&sum)[Channels][Vectors]) {
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) store(b.last + c * a.last_stride + v * kLanes, sum[c][v]);
}

template <bool Skip, int Channels, int Vectors>
inline void store_activated(const RowConvFloat& a, const Block& b, Vec (&sum)[Channels][Vectors]) {
  switch (a.activation) {
    case Activation::relu: return store_cells<Activation::relu, Skip>(a, b, sum);
    case Activation::prelu: return store_cells<Activation::prelu, Skip>(a, b, sum);
    case Activation::tanh: return store_cells<Activation::tanh, Skip>(a, b, sum);
    case Activation::clip: return store_cells<Activation::clip, Skip>(a, b, sum);
    case Activation::none: return store_cells<Activation::none, Skip>(a, b, sum);
  }
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
