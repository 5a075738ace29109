// One row of a quantised convolution on x86, written once over a Wide: 256 or 512 bits and what multiplies cells.
// Each target's file defines SUBPIXEL_TARGET_NS, Wide, kVectors, kMostChannels and kName before including this, and
// SUBPIXEL_WINOGRAD where half of the products are worth their transforms: where bytes have no product of their own.
//
// A block of output channels by vectors of columns stays in registers. The products are written as assembly: with
// intrinsics gcc 12 copies and spills the sums, at the cost of a third of the speed.

#include "ends_int_x86.hpp"
#include "merge_int.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// One group of channels under one kernel row.
template <int Channels, int Vectors>
__attribute__((always_inline)) inline void multiply_tap(const Cell* x, const Cell* weight, Vec (&sum)[Channels][Vectors]) {
  Vec in[Vectors];
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) in[v] = Wide::load(x + v * Wide::kLanes);
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c) {
    const Vec w = Wide::set32(static_cast<int>(weight[c]));
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) Wide::multiply(sum[c][v], in[v], w);
  }
}

// Taps: the kernel's columns where the loop over them is worth unrolling, or 0.
template <int Channels, int Vectors, int Taps>
__attribute__((noinline)) void conv_block(const RowConvInt& a, const Cell* weight, int first, int column) {
  const Block b(a, first, column);
  Vec sum[Channels][Vectors];
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) sum[c][v] = Wide::set32(b.end.bias[c]);
  for (int ky = 0; ky < a.kernel_rows; ++ky) {
    const Cell* row = a.rows[ky] + column;
    for (int g = 0; g < a.groups; ++g, row += a.group_stride) {
      if (Taps > 0) {
#pragma GCC unroll 8
        for (int kx = 0; kx < Taps; ++kx) multiply_tap<Channels, Vectors>(row + kx, weight + kx * Channels, sum);
        weight += Taps * Channels;
      } else {
        for (int kx = 0; kx < a.kernel_columns; ++kx, weight += Channels)
          multiply_tap<Channels, Vectors>(row + kx, weight, sum);
      }
    }
  }
  if (a.last != nullptr) return store_last<Channels, Vectors>(a, b, sum);
  if (a.skip != nullptr) switch (a.end.activation) {
    case Activation::relu: return store_cells<Activation::relu, true>(a, b, sum);
    case Activation::prelu: return store_cells<Activation::prelu, true>(a, b, sum);
    default: return store_cells<Activation::none, true>(a, b, sum);
  }
  switch (a.end.activation) {
    case Activation::tanh: return store_cells<Activation::tanh, false>(a, b, sum);
    case Activation::prelu: return store_cells<Activation::prelu, false>(a, b, sum);
    default: return store_cells<Activation::none, false>(a, b, sum);
  }
}

// Columns from `column` on with vectors enough, and where it stopped.
template <int Channels, int Vectors>
inline int conv_columns(const RowConvInt& a, const Cell* weight, int first, int column, int until) {
  for (; until - column > (Vectors - 1) * Wide::kLanes; column += Vectors * Wide::kLanes)
    if (a.kernel_columns == 3)
      conv_block<Channels, Vectors, 3>(a, weight, first, column);
    else
      conv_block<Channels, Vectors, 0>(a, weight, first, column);
  return column;
}

// A stripe of columns through one block of channels, as wide as registers allow, its end in narrower ones.
template <int Channels>
inline void conv_stripe(const RowConvInt& a, const Cell* weight, int first, int column, int until) {
  constexpr int most = kSums / Channels > kVectors ? kVectors : kSums / Channels;
  column = conv_columns<Channels, most>(a, weight, first, column, until);
  if (most > 3) column = conv_columns<Channels, 3>(a, weight, first, column, until);
  if (most > 2) column = conv_columns<Channels, 2>(a, weight, first, column, until);
  conv_columns<Channels, 1>(a, weight, first, column, until);
}

int block(int left) {
  if (left >= kMostChannels) return left == kMostChannels + 1 ? left : kMostChannels;
  return left > 4 ? kMostChannels : 4;
}

void conv(const RowConvInt& a) {
  const std::ptrdiff_t taps = static_cast<std::ptrdiff_t>(a.kernel_rows) * a.groups * a.kernel_columns;
  // Inputs and weights of a stripe stay in the first-level cache.
  const int stripe = (a.channels > 4 ? kVectors / 2 : kVectors) * Wide::kLanes;
  for (int column = 0; column < a.columns; column += stripe) {
    const int until = column + stripe < a.columns ? column + stripe : a.columns;
    const Cell* weight = a.weight;
    for (int first = 0, channels; first < a.channels; first += channels, weight += taps * channels) {
      channels = block(a.channels - first);
      if (channels == 4)
        conv_stripe<4>(a, weight, first, column, until);
      else if (channels == kMostChannels)
        conv_stripe<kMostChannels>(a, weight, first, column, until);
      else
        conv_stripe<kMostChannels + 1>(a, weight, first, column, until);
    }
  }
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS

#if defined(SUBPIXEL_WINOGRAD)
#include "winograd_int_x86.hpp"
#endif

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

#if !defined(SUBPIXEL_WINOGRAD)
constexpr WinogradInt kWinograd = {nullptr, nullptr};
#endif

long long peak(long long rounds) {
  constexpr int sums = 10;  // as many as hide the latency of the product
  Vec sum[sums] = {}, x = Wide::set32(0x01010101), w = x;
  for (long long k = 0; k < rounds; ++k)
#pragma GCC unroll 16
    for (int s = 0; s < sums; ++s) Wide::multiply(sum[s], x, w);
#pragma GCC unroll 16
  for (int s = 0; s < sums; ++s) asm volatile("" : : "v"(sum[s]));
  return rounds * sums * Wide::kLanes * Wide::kGroup;
}

}  // namespace

const KernelsInt& kernels_int() {
  static constexpr KernelsInt table = {kName, Wide::kGroup, block, conv, encode, merge<std::int16_t, float>, merge<std::int16_t, std::uint8_t>, kWinograd, peak};
  return table;
}

}  // namespace subpixel::SUBPIXEL_TARGET_NS
