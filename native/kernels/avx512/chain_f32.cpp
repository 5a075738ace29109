// Rows of f32 chains: 24 sums, 3 inputs and 1 weight of 32 registers.
#define SUBPIXEL_TARGET_NS avx512
#define SUBPIXEL_MULTIPLY_ADD(sum, x, w) asm("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w))

namespace subpixel::avx512 {
namespace {
constexpr const char* kName = "avx512";
constexpr int kLanes = 16, kVectors = 3, kMostChannels = 8, kSums = 27;
}  // namespace
}  // namespace subpixel::avx512

#include "../generic/math_f32.hpp"

#include "../generic/chain_float.hpp"

namespace subpixel::avx512 {
constexpr FloatChainKernels chain_f32_kernels = kTable;
}  // namespace subpixel::avx512
