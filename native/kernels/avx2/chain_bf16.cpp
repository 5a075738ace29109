// Rows of bf16 chains: samples are widened before they are multiplied, for the same results everywhere, not for speed.
#define SUBPIXEL_TARGET_NS avx2

namespace subpixel::avx2 {
namespace {
constexpr const char* kName = "avx2";
constexpr int kLanes = 8, kVectors = 2, kMostChannels = 4, kSums = 8;
}  // namespace
}  // namespace subpixel::avx2

#include "../generic/math_bf16.hpp"

#include "../generic/chain_float.hpp"

namespace subpixel::avx2 {
constexpr FloatChainKernels chain_bf16_kernels = kTable;
}  // namespace subpixel::avx2
