// Rows of f32 chains: 24 sums, 3 inputs and 1 weight of the 32 registers.
#define SUBPIXEL_TARGET_NS neon

namespace subpixel::neon {
namespace {
constexpr const char* kName = "neon";
constexpr int kLanes = 4, kVectors = 3, kMostChannels = 8, kSums = 27;
}  // namespace
}  // namespace subpixel::neon

#include "../generic/math_f32.hpp"

#include "../generic/chain_float.hpp"

namespace subpixel::neon {
constexpr FloatChainKernels chain_f32_kernels = kTable;
}  // namespace subpixel::neon
