// One row of a convolution of floats, written once over vectors and a Math: what a cell holds and how cells are
// multiplied. Each target's file defines SUBPIXEL_TARGET_NS, kName, kVectors, kMostChannels, kSums and Math, over
// vec_f32.hpp, before including this.
//
// A block of output channels by vectors of columns stays in registers.

#include "ends_float.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// One group of channels under one tap.
template <int Channels, int Vectors>
__attribute__((always_inline)) inline void multiply_tap(const Cell* x, const Cell* weight, Vec (&sum)[Channels][Vectors]) {
  typename Math::Cells in[Vectors];
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) in[v] = Math::load(x + v * kLanes);
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c) {
    const typename Math::Cells w = Math::broadcast(weight + c);
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) Math::multiply(sum[c][v], in[v], w);
  }
}

// Taps: the kernel's columns where the loop over them is worth unrolling, or 0.
template <int Channels, int Vectors, int Taps>
__attribute__((noinline)) void conv_block(const RowConvFloat& a, const Cell* weight, int first, int column) {
  const Block b(a, first, column);
  Vec sum[Channels][Vectors];
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) sum[c][v] = fill(b.bias[c]);
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
  // A copy: clang does not unroll the ends, and would keep the sums themselves in memory for them.
  Vec made[Channels][Vectors];
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) made[c][v] = sum[c][v];
  if (a.last != nullptr) return store_last<Channels, Vectors>(a, b, made);
  if (a.skip != nullptr) return store_activated<true>(a, b, made);
  store_activated<false>(a, b, made);
}

// Columns from `column` on with vectors enough, and where it stopped.
template <int Channels, int Vectors>
inline int conv_columns(const RowConvFloat& a, const Cell* weight, int first, int column, int until) {
  for (; until - column > (Vectors - 1) * kLanes; column += Vectors * kLanes)
    if (a.kernel_columns == 3)
      conv_block<Channels, Vectors, 3>(a, weight, first, column);
    else
      conv_block<Channels, Vectors, 0>(a, weight, first, column);
  return column;
}

// A stripe of columns through one block of channels, as wide as registers allow, its end in narrower ones.
template <int Channels>
inline void conv_stripe(const RowConvFloat& a, const Cell* weight, int first, int column, int until) {
  constexpr int most = kSums / Channels > kVectors ? kVectors : kSums / Channels;
  column = conv_columns<Channels, most>(a, weight, first, column, until);
  if (most > 2) column = conv_columns<Channels, 2>(a, weight, first, column, until);
  conv_columns<Channels, 1>(a, weight, first, column, until);
}

int block(int left) {
  if (left >= kMostChannels) return left == kMostChannels + 1 ? left : kMostChannels;
  return left > 4 ? kMostChannels : 4;
}

// Columns whose inputs stay in the first-level cache while all channels are made of them.
int stripe_of(const RowConvFloat& a) {
  constexpr int step = kVectors * kLanes, bytes = 16 * 1024;
  const int fit = bytes / (static_cast<int>(sizeof(Cell)) * a.kernel_rows * a.groups) / step * step;
  return fit > step ? fit : step;
}

void conv(const RowConvFloat& a) {
  const std::ptrdiff_t taps = static_cast<std::ptrdiff_t>(a.kernel_rows) * a.groups * a.kernel_columns;
  const int stripe = stripe_of(a);
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

long long peak(long long rounds) {
  constexpr int sums = 10;  // as many as hide the latency
  const Cell nothing = 0;
  const typename Math::Cells w = Math::broadcast(&nothing);
  typename Math::Cells x = w;
  Vec sum[sums] = {};
  for (long long k = 0; k < rounds; ++k) {
    asm volatile("" : "+m"(x));  // or the compiler would multiply once and for all
#pragma GCC unroll 16
    for (int s = 0; s < sums; ++s) Math::multiply(sum[s], x, w);
  }
  Vec total = sum[0];
#pragma GCC unroll 16
  for (int s = 1; s < sums; ++s) total += sum[s];
  volatile float kept = total[0];
  static_cast<void>(kept);
  return rounds * sums * kLanes * Math::kGroup;
}

constexpr KernelsFloat kTable = {kName, Math::kGroup, block, conv, Math::encode, merge<float, float>, peak};

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
