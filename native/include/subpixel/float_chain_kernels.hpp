// The kernel table of float chains: convolutions row by row, in f32 or with bf16 samples and f32 sums.
//
// A sample's sum is its bias, then the products by kernel row, group of channels and kernel column. A target may use
// another order, but the same one wherever the sample lies: strips, threads and tiles do not change the result.
#pragma once

#include <cstddef>
#include <cstdint>

#include "subpixel/conv_kernels.hpp"
#include "subpixel/cells.hpp"

namespace subpixel {

struct RowConvFloat : RowConv {
  const Cell* weight;   // [block][kernel row][group][kernel column][channel of the block]
  const float* bias;    // [channel]
  const float* slope;   // [channel]; used by prelu only
  Activation activation;  // applied before a skip is added
  int channels;         // of the result, in whole blocks
};

struct FloatChainKernels {
  const char* name;
  int group;               // samples in a cell: one of f32, two of bf16
  int (*block)(int left);  // channels of the next block of weights, given the channels that are left
  void (*conv)(const RowConvFloat&);
  // Samples, each alone in a cell. bf16 is rounded to nearest, ties to even.
  void (*encode)(const float* x, int n, Cell* to);
  // Interleaves r rows of n samples to one row of r * n, after adding their base.
  void (*interleave)(const float* const* z, const float* base, int r, int n, float* out);
  // Runs multiply-adds alone, without memory accesses, and returns their number: the target's ceiling.
  long long (*peak)(long long rounds);
  const Packing* packing = nullptr;
};

}  // namespace subpixel
