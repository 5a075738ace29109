// Rows of bf16 chains: two multiply-adds per cell of widened samples, for the same results everywhere, not for speed.
#define SUBPIXEL_TARGET_NS scalar

namespace subpixel::scalar {
namespace {
constexpr const char* kName = "scalar";
constexpr int kLanes = 4, kVectors = 1, kMostChannels = 4, kSums = 5;
}  // namespace
}  // namespace subpixel::scalar

#include "../generic/math_bf16.hpp"

#include "../generic/chain_float.hpp"

namespace subpixel::scalar {
constexpr FloatChainKernels chain_bf16_kernels = kTable;
}  // namespace subpixel::scalar
