// AVX-512 with VNNI and a product of bf16.
#define SUBPIXEL_TARGET_NS bf16

#include "../generic/tables.hpp"
#include "../targets.hpp"

namespace subpixel::bf16 {

Target target() {
  Target t = extend(vnni::target(), "bf16", {Feature::avx512bf16});
  t.chain_bf16 = &chain_bf16_kernels;
  return t;
}

}  // namespace subpixel::bf16
