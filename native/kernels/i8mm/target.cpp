// ARM with I8MM, of which the product of bytes is used.
#define SUBPIXEL_TARGET_NS i8mm

#include "../generic/tables.hpp"
#include "../targets.hpp"

namespace subpixel::i8mm {

Target target() {
  Target t = extend(neon::target(), "i8mm", {Feature::i8mm});
  t.chain_int8 = &chain_int8_kernels;
  return t;
}

}  // namespace subpixel::i8mm
