// The kernel table of int8 chains: quantised convolutions row by row, and their input and output.
//
// All arithmetic is in integers, so every target gives the same bytes:
//   sum = bias + Σ x * w           x u8, w s8, sum s32; the network's input counts halves of a byte's unit, 0 … 510
//   y   = saturate16(sum >> shift)
//   z   = (y * multiplier + 2^14) >> 15
// Then follow the activation (see below), for a skip of an earlier byte u the term t = ((u - its zero) * 128 * gain +
// 2^14) >> 15, the zero point, and clipping to a byte. The last layer stores z itself.
#pragma once

#include <cstddef>
#include <cstdint>

#include "subpixel/conv_kernels.hpp"
#include "subpixel/cells.hpp"

namespace subpixel {

// The constants of an output channel after its sum. Those of 16 bits are stored four times, as vectors of two channels
// need them.
struct EpilogueInt {
  const std::int32_t* bias;
  const std::int32_t* shift;
  const std::int16_t* multiplier;  // [channel][4]
  const std::int16_t* slope;       // [channel][4], in units of 2^-15; used by prelu only
  Activation activation;           // clipping does clip and, without a skip, relu; tanh takes z in units of 2.5 / 4096
  int zero;
};

// tanh(x) for |x| <= 2.5, with u = 32768 x / 2.5, which is 8 z saturated: with s = u * u it is (P(s) * u + 8) / 16 in
// units of 1/127. All products are rounded like that of y above, and P is evaluated by Horner's rule. The coefficients
// were fitted to 127 tanh(x): the largest error is 0.83, of which rounding alone makes 0.5.
inline constexpr int kTanh[5] = {5023, -9034, 13481, -11206, 3747};

struct RowConvInt : RowConv {
  const Cell* weight;  // [block][kernel row][group][kernel column][channel of the block]
  EpilogueInt epilogue;
  int channels;        // of the result, a multiple of 4
  int skip_zero;
  std::int16_t skip_gain;  // in units of 1/256

  std::int16_t* z() const { return static_cast<std::int16_t*>(last); }
};

// Convolution by Winograd's algorithm, see winograd.hpp; null pointers if the target does not use it. transform: from
// rows of `groups` groups of cells to parts of tiles, [group][part][tile], to_stride apart, with tiles padded to
// kWinogradStep. conv: like the direct one, but its rows are transformed, its weights are [block][part, in
// kWinogradOrder][kernel row][group][channel of the block], its bias is 8 times the direct one's, and its shift is 3
// more.
struct WinogradInt {
  void (*transform)(const Cell* from, std::ptrdiff_t stride, int groups, int tiles, Cell* to, std::ptrdiff_t to_stride);
  void (*conv)(const RowConvInt&);
};

struct Int8ChainKernels {
  const char* name;
  int group;               // samples in a cell
  int (*block)(int left);  // channels of the next block of weights, given the channels that are left
  void (*conv)(const RowConvInt&);
  // Converts samples of 0 … 1: times `codes`, plus `more`, rounded down and clipped to 0 … codes; NaN gives 0. Each
  // result is alone in a cell.
  void (*encode)(const float* x, int n, float codes, float more, Cell* to);
  // Interleaves r rows of n samples to one row of r * n, after adding their base: out = base + z / (16 * 255)
  void (*interleave_f32)(const std::int16_t* const* z, const float* base, int r, int n, float* out);
  // the same for bytes: (16 * base + z) / 16, rounded half up and clipped
  void (*interleave_u8)(const std::int16_t* const* z, const std::uint8_t* base, int r, int n, std::uint8_t* out);
  WinogradInt winograd;
  // Runs multiplications alone, without memory accesses, and returns the number of products: the target's ceiling.
  long long (*peak)(long long rounds);
  const Packing* packing = nullptr;
};

}  // namespace subpixel
