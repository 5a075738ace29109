// Sampling at given positions.
#define SUBPIXEL_TARGET_NS neon

namespace subpixel::neon {
namespace {
constexpr int kLanes = 4;
}  // namespace
}  // namespace subpixel::neon

#include "../generic/warp_f32.hpp"
