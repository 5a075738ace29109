// f32 convolution over tiles, with any strides, written once over a vector of kLanes floats. Each target's file defines
// SUBPIXEL_TARGET_NS, kLanes, kChannels and kVectors before it includes this, and is compiled with its own instruction
// flags.
//
// A block of kChannels output channels by kVectors vectors of columns stays in registers while the sum runs over input
// channel, kernel row and kernel column, always in that order: a sample's value does not depend on its place in a tile.

#include "tables.hpp"
#include "vec_f32.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

template <int Channels, int Vectors, bool Apart>
inline void conv_block(const ConvF32& a, const float* weight, int first_channel, int y, int column) {
  Vec sum[Channels][Vectors];
  for (int c = 0; c < Channels; ++c)
    for (int v = 0; v < Vectors; ++v) sum[c][v] = fill(a.bias[first_channel + c]);
  const std::ptrdiff_t tap_row = Apart ? a.tap_row : a.x_row;
  const float* plane = a.x + y * (Apart ? a.step_row : a.x_row) + column;
  for (int ci = 0; ci < a.in_channels; ++ci, plane += a.x_plane) {
    const float* line = plane;
    for (int ky = 0; ky < a.kernel_h; ++ky, line += tap_row) {
      for (int kx = 0; kx < a.kernel_w; ++kx, weight += kChannels) {
        const float* at = line + (Apart ? a.tap_column[kx] : kx);
        Vec x[Vectors];
        for (int v = 0; v < Vectors; ++v) x[v] = load(at + v * kLanes);
        for (int c = 0; c < Channels; ++c) {
          Vec w = fill(weight[c]);
          for (int v = 0; v < Vectors; ++v) sum[c][v] += x[v] * w;
        }
      }
    }
  }
  float* out = a.y + first_channel * a.y_plane + y * a.y_row + column;
  for (int c = 0; c < Channels; ++c, out += a.y_plane)
    for (int v = 0; v < Vectors; ++v)
      store(out + v * kLanes, activate(sum[c][v], a.activation, a.slope[first_channel + c]));
}

// A row ends in blocks of fewer vectors; a sample's sum is the same in each.
template <int Channels, bool Apart>
void conv_rows(const ConvF32& a, const float* weight, int first_channel) {
  for (int y = 0; y < a.rows; ++y) {
    int column = 0;
    for (; a.columns - column > kLanes; column += kVectors * kLanes)
      conv_block<Channels, kVectors, Apart>(a, weight, first_channel, y, column);
    if (column < a.columns) conv_block<Channels, 1, Apart>(a, weight, first_channel, y, column);
  }
}

// The last block of channels may be smaller.
template <int Channels, bool Apart>
void conv_channels(const ConvF32& a, const float* weight, int first_channel, int channels) {
  if constexpr (Channels > 1)
    if (channels < Channels) return conv_channels<Channels - 1, Apart>(a, weight, first_channel, channels);
  conv_rows<Channels, Apart>(a, weight, first_channel);
}

void conv(const ConvF32& a) {
  const int taps = a.in_channels * a.kernel_h * a.kernel_w;
  for (int first = 0; first < a.out_channels; first += kChannels) {
    const float* weight = a.weight + static_cast<std::ptrdiff_t>(first) * taps;
    if (a.tap_column == nullptr) conv_channels<kChannels, false>(a, weight, first, a.out_channels - first);
    else conv_channels<kChannels, true>(a, weight, first, a.out_channels - first);
  }
}

}  // namespace

constexpr ConvKernels conv_kernels = {kName, kChannels, kVectors * kLanes, conv};

}  // namespace subpixel::SUBPIXEL_TARGET_NS
