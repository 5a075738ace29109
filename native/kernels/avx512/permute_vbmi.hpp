// A second table of byte permutations, for processors of the avx512 target that have VBMI.
#pragma once

#include "subpixel/permute.hpp"

namespace subpixel::avx512 {

extern const PermuteKernels permute_vbmi_kernels;

}  // namespace subpixel::avx512
