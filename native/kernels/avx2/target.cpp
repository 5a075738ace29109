// AVX2 with FMA: vectors of 256 bits.
#define SUBPIXEL_TARGET_NS avx2

#include "../generic/tables.hpp"
#include "../targets.hpp"

namespace subpixel::avx2 {

Target target() {
  Target t = extend(scalar::target(), "avx2", {Feature::avx2, Feature::fma});
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

}  // namespace subpixel::avx2
