// Rows of bf16 chains: samples are widened before they are multiplied, for the same results everywhere, not for speed.
#define SUBPIXEL_TARGET_NS neon

namespace subpixel::neon {
namespace {
constexpr const char* kName = "neon";
constexpr int kLanes = 4, kVectors = 2, kMostChannels = 4, kSums = 8;
}  // namespace
}  // namespace subpixel::neon

#include "../generic/math_bf16.hpp"

#include "../generic/chain_float.hpp"

namespace subpixel::neon {
constexpr FloatChainKernels chain_bf16_kernels = kTable;
}  // namespace subpixel::neon
