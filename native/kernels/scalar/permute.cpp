// No byte permutations: not every processor has a table look-up, so elements are moved one by one.
#define SUBPIXEL_TARGET_NS scalar

#include "subpixel/permute.hpp"
#include "../generic/tables.hpp"

namespace subpixel::scalar {

constexpr PermuteKernels permute_kernels = {0, nullptr, nullptr};

}  // namespace subpixel::scalar
