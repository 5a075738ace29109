// The float chains' primitives: one row of a convolution in f32, or of one whose samples are bf16 and whose sums are f32.
//
// A sample's sum is its bias, then kernel row, group of channels, kernel column in this order, or in one of the target's
// own, but the same wherever it lies: strips, threads and tiles change no byte.
#pragma once

#include <cstddef>
#include <cstdint>

#include "subpixel/conv_kernels.hpp"
#include "subpixel/cells.hpp"

namespace subpixel {

struct RowConvFloat : RowConv {
  const Cell* weight;   // [block][kernel row][group][kernel column][channel of the block]
  const float* bias;    // [channel]
  const float* slope;   // [channel]; read for prelu only
  Activation activation;  // before a skip is added
  int channels;         // of the result, whole blocks
};

struct FloatChainKernels {
  const char* name;
  int group;               // samples in a cell: one of f32, two of bf16
  int (*block)(int left);  // channels of the next block of weights, where so many are left
  void (*conv)(const RowConvFloat&);
  // Samples, each alone in a cell; bf16 is rounded to nearest, ties to even.
  void (*encode)(const float* x, int n, Cell* to);
  // r rows of n samples, taken in turn, as one row of r * n; first their base is added
  void (*interleave)(const float* const* z, const float* base, int r, int n, float* out);
  // The multiply-adds of so many rounds of them alone, nothing read or written: the ceiling of the target.
  long long (*peak)(long long rounds);
  const Packing* packing = nullptr;
};

}  // namespace subpixel
