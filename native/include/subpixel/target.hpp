// A target: the name of an instruction set, the features it needs, and its tables of kernels.
#pragma once

#include <initializer_list>
#include <vector>

#include "subpixel/cpu.hpp"

namespace subpixel {

struct ConvKernels;
struct FloatChainKernels;
struct Int8ChainKernels;
struct ImageKernels;
struct WarpKernels;
struct ResampleKernels;
struct PermuteKernels;
struct FlatKernels;

struct Target {
  const char* name;
  std::vector<Feature> needs;
  const ConvKernels* conv;              // f32 convolution over tiles
  const FloatChainKernels* chain_f32;   // rows of a chain of convolutions
  const FloatChainKernels* chain_bf16;
  const Int8ChainKernels* chain_int8;
  const ImageKernels* image;            // pixels to luma and back
  const WarpKernels* warp;              // sampling at given positions
  const ResampleKernels* resample;      // weighted sums of rows
  const PermuteKernels* permute;        // bytes in another order
  const FlatKernels* flat;              // which cells are flat, and their resize
};

// `base` with another name and more features needed. The caller replaces the tables that it improves.
Target extend(Target base, const char* name, std::initializer_list<Feature> more);

}  // namespace subpixel
