// Rows of int8 chains: products of 16-bit samples, added by a second instruction; 10 sums in 16 registers. The byte
// product of AVX2 saturates, so it is not used.
#define SUBPIXEL_TARGET_NS avx2
#define SUBPIXEL_WINOGRAD

#include "../generic/vector_int_x86.hpp"

namespace subpixel::avx2 {
namespace {

struct Wide : WordCells<Bits256> {
  // The product's register is a fixed one: when gcc 12 chooses it, it moves sums between registers.
  static void multiply(Vec& sum, Vec x, Vec w) {
    asm("vpmaddwd %2, %1, %%ymm15\n\tvpaddd %%ymm15, %0, %0" : "+x"(sum) : "x"(x), "x"(w) : "xmm15");
  }
};

constexpr const char* kName = "avx2";
constexpr int kVectors = 8, kMostChannels = 4, kSums = 10, kWinogradVectors = 2, kWinogradChannels = 16;

}  // namespace
}  // namespace subpixel::avx2

#include "../generic/conv_int_x86.hpp"
