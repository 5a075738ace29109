// Math over cells of one float. A target whose compiler makes poor use of registers defines SUBPIXEL_MULTIPLY_ADD(sum,
// x, w) as assembly: with a plain sum gcc 12 copies and spills, which costs half of the speed.
#include "subpixel/float_chain_kernels.hpp"
#include "vec_f32.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

struct Math {
  using Cells = Vec;
  static constexpr int kGroup = 1, kLanes = SUBPIXEL_TARGET_NS::kLanes;

  static Vec load(const Cell* p) { return SUBPIXEL_TARGET_NS::load(reinterpret_cast<const float*>(p)); }
  static Vec broadcast(const Cell* p) {
    float f;
    __builtin_memcpy(&f, p, sizeof f);
    return fill(f);
  }
  static void multiply(Vec& sum, Vec x, Vec w) {
#if defined(SUBPIXEL_MULTIPLY_ADD)
    SUBPIXEL_MULTIPLY_ADD(sum, x, w);
#else
    sum += x * w;
#endif
  }
  static void add(const Cell* skip, Vec* part) { part[0] += load(skip); }
  static void store(Cell* to, const Vec* part) { SUBPIXEL_TARGET_NS::store(reinterpret_cast<float*>(to), part[0]); }
  static void encode(const float* x, int n, Cell* to) {
    __builtin_memcpy(to, x, static_cast<std::size_t>(n) * sizeof(Cell));
  }
};

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
