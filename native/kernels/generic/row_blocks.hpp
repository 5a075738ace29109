// Cuts one row of a convolution: columns into stripes and vectors, channels into blocks whose sums stay in registers.
// Each target's file defines SUBPIXEL_TARGET_NS, Row, Vec, Product (kLanes, Cells, load, broadcast, multiply), Block,
// first_sum(), apply_epilogue(), stripe_of(), kVectors, kMostChannels and kSums before it includes this.

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// Multiplies one group of channels under one tap.
template <int Channels, int Vectors>
__attribute__((always_inline)) inline void multiply_tap(const Cell* x, const Cell* weight,
                                                        Vec (&sum)[Channels][Vectors]) {
  typename Product::Cells in[Vectors];
#pragma GCC unroll 8
  for (int v = 0; v < Vectors; ++v) in[v] = Product::load(x + v * Product::kLanes);
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c) {
    const typename Product::Cells w = Product::broadcast(weight + c);
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) Product::multiply(sum[c][v], in[v], w);
  }
}

// Taps: the kernel's columns if unrolling the loop over them pays, otherwise 0.
template <int Channels, int Vectors, int Taps>
__attribute__((noinline)) void conv_block(const Row& a, const Cell* weight, int first, int column) {
  const Block b(a, first, column);
  Vec sum[Channels][Vectors];
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) sum[c][v] = first_sum(b, c);
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
  // A copy: if the epilogue is not unrolled or not inlined, the sums themselves would be kept in memory for it.
  Vec copy[Channels][Vectors];
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) copy[c][v] = sum[c][v];
  apply_epilogue(a, b, copy);
}

// Computes columns from `column` on while there are enough vectors. Returns where it stopped.
template <int Channels, int Vectors>
inline int conv_columns(const Row& a, const Cell* weight, int first, int column, int until) {
  for (; until - column > (Vectors - 1) * Product::kLanes; column += Vectors * Product::kLanes)
    if (a.kernel_columns == 3)
      conv_block<Channels, Vectors, 3>(a, weight, first, column);
    else
      conv_block<Channels, Vectors, 0>(a, weight, first, column);
  return column;
}

// Computes a stripe of columns for one block of channels, as wide as registers allow, its end in narrower steps.
template <int Channels>
inline void conv_stripe(const Row& a, const Cell* weight, int first, int column, int until) {
  constexpr int most = kSums / Channels > kVectors ? kVectors : kSums / Channels;
  column = conv_columns<Channels, most>(a, weight, first, column, until);
  if constexpr (most > 3) column = conv_columns<Channels, 3>(a, weight, first, column, until);
  if constexpr (most > 2) column = conv_columns<Channels, 2>(a, weight, first, column, until);
  conv_columns<Channels, 1>(a, weight, first, column, until);
}

int block(int left) {
  if (left >= kMostChannels) return left == kMostChannels + 1 ? left : kMostChannels;
  return left > 4 ? kMostChannels : 4;
}

void conv(const Row& a) {
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

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
