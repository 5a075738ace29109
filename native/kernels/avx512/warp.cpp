// Sampling at given positions.
#define SUBPIXEL_TARGET_NS avx512

namespace subpixel::avx512 {
namespace {
constexpr int kLanes = 16;
}  // namespace
}  // namespace subpixel::avx512

#include "../generic/warp_f32.hpp"
