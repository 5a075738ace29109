// Rows of bf16 chains, for processors without a product of bf16: samples are widened before they are multiplied.
#define SUBPIXEL_TARGET_NS avx512

namespace subpixel::avx512 {
namespace {
constexpr const char* kName = "avx512";
constexpr int kLanes = 16, kVectors = 2, kMostChannels = 8, kSums = 18;
}  // namespace
}  // namespace subpixel::avx512

#include "../generic/math_bf16.hpp"

#include "../generic/chain_float.hpp"

namespace subpixel::avx512 {
constexpr FloatChainKernels chain_bf16_kernels = kTable;
}  // namespace subpixel::avx512
