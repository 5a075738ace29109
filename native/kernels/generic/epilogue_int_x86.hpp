// The epilogue of int8 chains on x86: scales the sums of a block of channels, activates them, adds a skip, packs and
// stores them. Written once over a Wide, which each target's file defines before it includes this.
#pragma once

#include "subpixel/int8_chain_kernels.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

using Vec = Wide::Vec;

inline Vec tanh_of(Vec z) {
#pragma GCC unroll 3
  for (int k = 0; k < 3; ++k) z = Wide::add16_saturated(z, z);
  const Vec u = Wide::max16(z, Wide::set16(-32767));
  const Vec square = Wide::mulhrs(u, u);
  Vec p = Wide::set16(kTanh[4]);
#pragma GCC unroll 4
  for (int k = 3; k >= 0; --k) p = Wide::add16(Wide::mulhrs(p, square), Wide::set16(kTanh[k]));
  return Wide::shift16_right4(Wide::add16(Wide::mulhrs(p, u), Wide::set16(8)));
}

template <Activation kind>
inline Vec activate(Vec z, const std::int16_t* slope) {
  if (kind == Activation::tanh) return tanh_of(z);
  if (kind == Activation::relu) return Wide::max16(z, Wide::set16(0));
  if (kind == Activation::prelu) return Wide::choose_negative(z, Wide::mulhrs(z, Wide::pair16(slope)), z);
  return z;
}

// Converts an earlier value, as 16-bit samples of two channels, to the units of this one.
inline Vec scale_skip(const RowConvInt& a, Vec bytes) {
  const Vec u = Wide::shift16_left7(Wide::sub16(bytes, Wide::set16(a.skip_zero)));
  return Wide::mulhrs(u, Wide::set16(a.skip_gain));
}

// Rescales the sums of two channels, each of one vector of columns, to 16-bit z: in each 128 bits first four of a, then
// of b.
template <Activation kind>
inline Vec requantise(const EpilogueInt& e, int channel, Vec a, Vec b) {
  const Vec y = Wide::pack32(Wide::shift_right(a, e.shift[channel]), Wide::shift_right(b, e.shift[channel + 1]));
  const Vec z = Wide::mulhrs(y, Wide::pair16(e.multiplier + 4 * channel));
  return activate<kind>(z, e.slope + 4 * channel);
}

// The addresses at which a block of channels begins. Pointers, not indices: the epilogue of a block is then little more
// than its vectors.
struct Block {
  EpilogueInt epilogue;
  const Cell* skip;
  Cell* out;
  std::int16_t* last;

  Block(const RowConvInt& a, std::ptrdiff_t first, std::ptrdiff_t column)
      : epilogue{a.epilogue.bias + first,      a.epilogue.shift + first, a.epilogue.multiplier + 4 * first,
                 a.epilogue.slope + 4 * first, a.epilogue.activation,    a.epilogue.zero},
        skip(a.skip + first / Wide::kGroup * a.skip_stride + column),
        out(a.out + first / Wide::kGroup * a.out_stride + column),
        last(a.z() + first * a.last_stride + column) {}
};

template <Activation kind, bool Skip, int Channels, int Vectors>
inline void store_cells(const RowConvInt& a, const Block& b, Vec (&sum)[Channels][Vectors]) {
  // Copies: a store of a vector could otherwise change the members of `a`.
  const std::ptrdiff_t stride = a.out_stride, skip_stride = a.skip_stride;
  const Vec zero = Wide::set16(b.epilogue.zero);
#pragma GCC unroll 4
  for (int c = 0; c < Channels / 4 * 4; c += 4)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      Vec low = requantise<kind>(b.epilogue, c, sum[c][v], sum[c + 1][v]);
      Vec high = requantise<kind>(b.epilogue, c + 2, sum[c + 2][v], sum[c + 3][v]);
      if (Skip) {
        Vec more_low, more_high;
        Wide::load_samples(b.skip + c / Wide::kGroup * skip_stride + v * Wide::kLanes, skip_stride, more_low,
                           more_high);
        low = Wide::add16_saturated(low, scale_skip(a, more_low));
        high = Wide::add16_saturated(high, scale_skip(a, more_high));
      }
      low = Wide::add16_saturated(low, zero);
      high = Wide::add16_saturated(high, zero);
      Wide::store_cells(b.out + c / Wide::kGroup * stride + v * Wide::kLanes, stride, low, high);
    }
}

template <int Channels, int Vectors>
inline void store_last(const RowConvInt& a, const Block& b, Vec (&sum)[Channels][Vectors]) {
  const std::ptrdiff_t stride = a.last_stride;
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v)
      Wide::store_last(b.last + c * stride + v * Wide::kLanes, Wide::shift_right(sum[c][v], b.epilogue.shift[c]),
                       b.epilogue.multiplier[4 * c]);
}

template <Activation Kind, bool Skip>
struct Epilogue {
  static constexpr Activation kind = Kind;
  static constexpr bool skip = Skip;
};

// Calls body(Epilogue<…>{}) for the kind of a row convolution. Clipping does relu, except before a skip.
template <class Body>
__attribute__((always_inline)) inline void choose_epilogue(const RowConvInt& a, const Body& body) {
  if (a.skip != nullptr) switch (a.epilogue.activation) {
    case Activation::relu: return body(Epilogue<Activation::relu, true>{});
    case Activation::prelu: return body(Epilogue<Activation::prelu, true>{});
    default: return body(Epilogue<Activation::none, true>{});
  }
  switch (a.epilogue.activation) {
    case Activation::tanh: return body(Epilogue<Activation::tanh, false>{});
    case Activation::prelu: return body(Epilogue<Activation::prelu, false>{});
    default: return body(Epilogue<Activation::none, false>{});
  }
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
