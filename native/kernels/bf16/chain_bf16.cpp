// Rows of bf16 chains with AVX-512 BF16: 24 sums, 3 inputs and 1 weight of 32 registers; one instruction computes 32
// products.
#define SUBPIXEL_TARGET_NS bf16
#define SUBPIXEL_MULTIPLY_BF16(sum, x, w) asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w))

namespace subpixel::bf16 {
namespace {
constexpr const char* kName = "bf16";
constexpr int kLanes = 16, kVectors = 3, kMostChannels = 8, kSums = 27;
}  // namespace
}  // namespace subpixel::bf16

#include "../generic/math_bf16.hpp"

#include "../generic/chain_float.hpp"

namespace subpixel::bf16 {
constexpr FloatChainKernels chain_bf16_kernels = kTable;
}  // namespace subpixel::bf16
