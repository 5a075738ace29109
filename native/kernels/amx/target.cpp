// AMX: products of tiles, of bytes and of bf16; everything else is AVX-512.
#define SUBPIXEL_TARGET_NS amx

#include "../generic/tables.hpp"
#include "../targets.hpp"

namespace subpixel::amx {

Target target() {
  Target t = extend(bf16::target(), "amx", {Feature::amx_tile, Feature::amx_int8, Feature::amx_bf16});
  t.chain_bf16 = &chain_bf16_kernels;
  t.chain_int8 = &chain_int8_kernels;
  return t;
}

}  // namespace subpixel::amx
