// The kernel table of f32 convolution over tiles, and the activations that all convolutions share.
#pragma once

#include <cstddef>

namespace subpixel {

enum class Activation { none, relu, prelu, tanh, clip };

// One convolution over a tile. Planar f32: sample (c, y, x) is at c * plane + y * row + x. Up to kVectorSlack floats
// beyond the end of a row of `x` may be read; `y` is written in whole vectors.
struct ConvF32 {
  const float* x;
  std::ptrdiff_t x_plane, x_row;
  float* y;
  std::ptrdiff_t y_plane, y_row;
  int rows, columns;  // of the output
  int in_channels, out_channels, kernel_h, kernel_w;
  const float* weight;  // [channel block][input channel][kernel row][kernel column][channel of the block]
  const float* bias;    // padded with zeros to whole channel blocks
  const float* slope;   // likewise; used by prelu only
  Activation activation;
  // For strides and dilations: the samples of x from tap to tap of a kernel column and from row to row of the output,
  // if they are not x_row; the offset of each tap of a kernel row, if it is not 0, 1, 2 …
  std::ptrdiff_t tap_row = 0, step_row = 0;
  const std::ptrdiff_t* tap_column = nullptr;
};

struct ConvKernels {
  const char* name;
  int channel_block;  // output channels that share one pass over the input
  int column_block;   // columns computed together; rows are padded to a multiple of it
  void (*conv)(const ConvF32&);
};

// The widest column block of any target (3 vectors of 16 floats): how far a row may be overrun.
inline constexpr int kVectorSlack = 48;

}  // namespace subpixel
