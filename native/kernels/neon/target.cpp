// NEON, which every 64-bit ARM has.
#define SUBPIXEL_TARGET_NS neon

#include "../generic/tables.hpp"
#include "../targets.hpp"

namespace subpixel::neon {

Target target() {
  Target t = extend(scalar::target(), "neon", {Feature::neon});
  t.conv = &conv_kernels;
  t.chain_f32 = &chain_f32_kernels;
  t.chain_bf16 = &chain_bf16_kernels;
  t.chain_int8 = &chain_int8_kernels;
  t.image = &image_kernels;
  t.warp = &warp_kernels;
  t.resample = &resample_kernels;
  t.permute = &permute_kernels;
  t.flat = &flat_kernels;
  return t;
}

}  // namespace subpixel::neon
