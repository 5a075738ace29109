// The tables of kernels that a target's folder may define, declared once for the file that defines a table and for
// target.cpp, which names it. Each file defines SUBPIXEL_TARGET_NS before including this.
#pragma once

#include "subpixel/target.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {

extern const KernelsF32 conv_kernels;
extern const KernelsFloat chain_f32_kernels, chain_bf16_kernels;
extern const KernelsInt chain_int8_kernels;
extern const PictureKernels picture_kernels;
extern const WarpKernels warp_kernels;
extern const Resizer resize_kernels;
extern const Permuter permute_kernels;

}  // namespace subpixel::SUBPIXEL_TARGET_NS
