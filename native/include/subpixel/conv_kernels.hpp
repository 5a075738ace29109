// The primitives that each instruction set offers, as a table of functions chosen at run time.
#pragma once

#include <cstddef>

namespace subpixel {

enum class Activation { none, relu, prelu, tanh, clip };

// One convolution over a tile. Planar f32: sample (c, y, x) lies at c * plane + y * row + x.
// `x` may be read up to kVectorSlack floats beyond a row's end, `y` written up to a whole vector.
struct ConvF32 {
  const float* x;
  std::ptrdiff_t x_plane, x_row;
  float* y;
  std::ptrdiff_t y_plane, y_row;
  int rows, columns;  // of the output
  int in_channels, out_channels, kernel_h, kernel_w;
  const float* weight;  // packed by pack_conv_f32
  const float* bias;    // padded with zeros to whole channel blocks
  const float* slope;   // likewise; read for prelu only
  Activation activation;
  // Strides and dilations: samples of x from tap to tap of a kernel column, and from row to row of the output, where
  // they are not x_row; and where each tap of a kernel row lies, where that is not 0, 1, 2 …
  std::ptrdiff_t tap_row = 0, step_row = 0;
  const std::ptrdiff_t* tap_column = nullptr;
};

struct ConvKernels {
  const char* name;
  int channel_block;  // output channels that share one pass over the input
  int column_block;   // columns computed together; rows are padded to a multiple of it
  void (*conv)(const ConvF32&);
};

// Widest column block of any target (3 vectors of 16 floats): how far a row may be overrun.
inline constexpr int kVectorSlack = 48;

}  // namespace subpixel
