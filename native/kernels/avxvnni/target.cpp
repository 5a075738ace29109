// AVX-VNNI: AVX2 with a product of bytes.
#define SUBPIXEL_TARGET_NS avxvnni

#include "../generic/tables.hpp"
#include "../targets.hpp"

namespace subpixel::avxvnni {

Target target() {
  Target t = extend(avx2::target(), "avxvnni", {Feature::avxvnni});
  t.chain_int8 = &chain_int8_kernels;
  return t;
}

}  // namespace subpixel::avxvnni
