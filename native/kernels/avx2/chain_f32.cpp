// Rows of f32 chains: 12 sums, 3 inputs and 1 weight fill the 16 registers.
#define SUBPIXEL_TARGET_NS avx2
#define SUBPIXEL_MULTIPLY_ADD(sum, x, w) asm("vfmadd231ps %2, %1, %0" : "+x"(sum) : "x"(x), "x"(w))

namespace subpixel::avx2 {
namespace {
constexpr const char* kName = "avx2";
constexpr int kLanes = 8, kVectors = 3, kMostChannels = 4, kSums = 12;
}  // namespace
}  // namespace subpixel::avx2

#include "../generic/math_f32.hpp"

#include "../generic/chain_float.hpp"

namespace subpixel::avx2 {
constexpr FloatChainKernels chain_f32_kernels = kTable;
}  // namespace subpixel::avx2
