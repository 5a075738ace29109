// Sampling at given positions.
#define SUBPIXEL_TARGET_NS avx2

namespace subpixel::avx2 {
namespace {
constexpr int kLanes = 8;
}  // namespace
}  // namespace subpixel::avx2

#include "../generic/warp_f32.hpp"
