// The tables of kernels that a target's folder may define, declared once for the file that defines a table and for
// target.cpp, which names it. Each file defines SUBPIXEL_TARGET_NS before including this.
#pragma once

#include "subpixel/target.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {

extern const ConvKernels conv_kernels;
extern const FloatChainKernels chain_f32_kernels, chain_bf16_kernels;
extern const Int8ChainKernels chain_int8_kernels;
extern const ImageKernels image_kernels;
extern const WarpKernels warp_kernels;
extern const ResampleKernels resample_kernels;
extern const PermuteKernels permute_kernels;
extern const FlatKernels flat_kernels;

}  // namespace subpixel::SUBPIXEL_TARGET_NS
