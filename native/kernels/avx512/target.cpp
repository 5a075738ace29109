// AVX-512 with BW, DQ and VL: vectors of 512 bits.
#define SUBPIXEL_TARGET_NS avx512

#include "../generic/tables.hpp"
#include "../targets.hpp"
#include "permute_vbmi.hpp"

namespace subpixel::avx512 {

Target target() {
  Target t = extend(avx2::target(), "avx512",
                    {Feature::avx512f, Feature::avx512bw, Feature::avx512dq, Feature::avx512vl});
  t.conv = &conv_kernels;
  t.chain_f32 = &chain_f32_kernels;
  t.chain_bf16 = &chain_bf16_kernels;
  t.chain_int8 = &chain_int8_kernels;
  t.image = &image_kernels;
  t.warp = &warp_kernels;
  t.resample = &resample_kernels;
  t.permute = has(Feature::avx512vbmi) ? &permute_vbmi_kernels : &permute_kernels;
  t.flat = &flat_kernels;
  return t;
}

}  // namespace subpixel::avx512
