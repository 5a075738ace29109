// What every processor of the family runs: the target that all others extend.
#define SUBPIXEL_TARGET_NS scalar

#include "../generic/tables.hpp"
#include "../targets.hpp"

namespace subpixel::scalar {

Target target() {
  return {"scalar", {}, &conv_kernels, &chain_f32_kernels, &chain_bf16_kernels, &chain_int8_kernels, &image_kernels,
          &warp_kernels, &resample_kernels, &permute_kernels, &flat_kernels};
}

}  // namespace subpixel::scalar
