// The integer engine's primitives: one row of a quantised convolution, and one row of a result.
//
// The arithmetic is whole numbers throughout, so every target gives the same bytes:
//   sum = bias + Σ x * w           x u8, w s8, sum s32; the network's input counts halves of a byte's unit, 0 … 510
//   y   = saturate16(sum >> shift)
//   z   = (y * multiplier + 2^14) >> 15
// then the activation (see below), + a skip's t = ((u - its zero) * 128 * gain + 2^14) >> 15 of an earlier byte u, + zero,
// clipped to a byte; or z as it is, for the last layer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "subpixel/conv_kernels.hpp"
#include "subpixel/cells.hpp"

namespace subpixel {

// Constants of an output channel's end; those of 16 bits stand four times, as vectors of two channels need them.
struct EpilogueInt {
  const std::int32_t* bias;
  const std::int32_t* shift;
  const std::int16_t* multiplier;  // [channel][4]
  const std::int16_t* slope;       // [channel][4], of 2^15; read for prelu only
  Activation activation;           // relu (but before a skip) and clip are done by the clipping; tanh takes z in 2.5 / 4096
  int zero;
};

// tanh(x) for |x| <= 2.5 as u = 32768 x / 2.5, 8 z saturated: with s = u * u, (P(s) * u + 8) / 16 in units of 1/127, all products
// rounded as that of y above and P by Horner's rule. Fitted to 127 tanh(x): the largest error is 0.83, where rounding
// alone has 0.5.
inline constexpr int kTanh[5] = {5023, -9034, 13481, -11206, 3747};

struct RowConvInt : RowConv {
  const Cell* weight;  // [block][kernel row][group][kernel column][channel of the block]
  EpilogueInt epilogue;
  int channels;        // of the result, a multiple of 4
  int skip_zero;
  std::int16_t skip_gain;  // of 256

  std::int16_t* z() const { return static_cast<std::int16_t*>(last); }
};

// The way of winograd.hpp, or null pointers. transform: rows of `groups` groups of cells as the parts of so many tiles,
// [group][part][tile], to_stride apart, tiles padded to kWinogradStep; conv: as the plain one, its rows being such, its
// weights [block][part, in kWinogradOrder][kernel row][group][channel of the block], its bias 8 times the plain one's and
// its shift 3 more.
struct WinogradInt {
  void (*transform)(const Cell* from, std::ptrdiff_t stride, int groups, int tiles, Cell* to, std::ptrdiff_t to_stride);
  void (*conv)(const RowConvInt&);
};

struct Int8ChainKernels {
  const char* name;
  int group;               // samples in a cell
  int (*block)(int left);  // channels of the next block of weights, where so many are left
  void (*conv)(const RowConvInt&);
  // Samples of 0 … 1, times `codes`, plus `more`, rounded down and clipped to 0 … codes, what is not a number as 0: each
  // alone in a cell.
  void (*encode)(const float* x, int n, float codes, float more, Cell* to);
  // r rows of n samples, taken in turn, as one row of r * n; first their base is added: out = base + z / (16 * 255)
  void (*interleave_f32)(const std::int16_t* const* z, const float* base, int r, int n, float* out);
  // the same for bytes: (16 * base + z) / 16, rounded half up and clipped
  void (*interleave_u8)(const std::int16_t* const* z, const std::uint8_t* base, int r, int n, std::uint8_t* out);
  WinogradInt winograd;
  // The products of so many rounds of the multiplication alone, nothing read or written: the ceiling of the target.
  long long (*peak)(long long rounds);
  const Packing* packing = nullptr;
};

}  // namespace subpixel
