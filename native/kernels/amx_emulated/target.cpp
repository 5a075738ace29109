// The algorithm of AMX over loops in place of its instructions, in the test program only.
#define SUBPIXEL_TARGET_NS amx_emulated

#include "../generic/tables.hpp"
#include "../targets.hpp"

namespace subpixel::amx_emulated {

Target target() {
  Target t = extend(avx2::target(), "amx-emulated", {});
  t.chain_bf16 = &chain_bf16_kernels;
  t.chain_int8 = &chain_int8_kernels;
  return t;
}

}  // namespace subpixel::amx_emulated
