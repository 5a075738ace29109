// Rows of f32 chains with what every processor of the family has: SSE2 on x86-64, NEON on 64-bit ARM. 8 sums of 16
// registers.
#define SUBPIXEL_TARGET_NS scalar

namespace subpixel::scalar {
namespace {
constexpr const char* kName = "scalar";
constexpr int kLanes = 4, kVectors = 2, kMostChannels = 4, kSums = 8;
}  // namespace
}  // namespace subpixel::scalar

#include "../generic/math_f32.hpp"

#include "../generic/chain_float.hpp"

namespace subpixel::scalar {
constexpr FloatChainKernels chain_f32_kernels = kTable;
}  // namespace subpixel::scalar
