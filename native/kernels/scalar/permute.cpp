// Elements are moved one by one: there is no table look-up that every processor has.
#define SUBPIXEL_TARGET_NS scalar

#include "subpixel/permute.hpp"
#include "../generic/tables.hpp"

namespace subpixel::scalar {

constexpr PermuteKernels permute_kernels = {0, nullptr, nullptr};

}  // namespace subpixel::scalar
