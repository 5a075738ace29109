// AVX-512 with VNNI, a product of bytes.
#define SUBPIXEL_TARGET_NS vnni

#include "../generic/tables.hpp"
#include "../targets.hpp"

namespace subpixel::vnni {

Target target() {
  Target t = extend(avx512::target(), "vnni", {Feature::avx512vnni});
  t.chain_int8 = &chain_int8_kernels;
  return t;
}

}  // namespace subpixel::vnni
