// Sampling at given positions.
#define SUBPIXEL_TARGET_NS scalar

namespace subpixel::scalar {
namespace {
constexpr int kLanes = 4;
}  // namespace
}  // namespace subpixel::scalar

#include "../generic/warp_f32.hpp"
