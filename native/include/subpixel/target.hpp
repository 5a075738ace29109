// What an instruction set brings: a name, the features it needs and its tables of kernels.
#pragma once

#include <initializer_list>
#include <vector>

#include "subpixel/cpu.hpp"

namespace subpixel {

struct KernelsF32;
struct KernelsFloat;
struct KernelsInt;
struct PictureKernels;
struct WarpKernels;
struct Resizer;
struct Permuter;

struct Target {
  const char* name;
  std::vector<Feature> needs;
  const KernelsF32* conv;           // f32 convolution over tiles
  const KernelsFloat* chain_f32;    // rows of a chain of convolutions
  const KernelsFloat* chain_bf16;
  const KernelsInt* chain_int8;
  const PictureKernels* picture;    // pixels to luma and back
  const WarpKernels* warp;          // sampling at given positions
  const Resizer* resize;            // weighted sums of rows
  const Permuter* permute;          // bytes in another order
};

// `base` under another name and with more features needed. The caller replaces the tables that it has better ones for.
Target extend(Target base, const char* name, std::initializer_list<Feature> more);

}  // namespace subpixel
