// Rows of int8 chains without VNNI: products of 16-bit samples, added by a second instruction.
#define SUBPIXEL_TARGET_NS avx512
#define SUBPIXEL_WINOGRAD

#include "../generic/vector_int_x86.hpp"

namespace subpixel::avx512 {
namespace {

struct Wide : WordCells<Bits512> {
  // The product's register is a fixed one: when gcc 12 chooses it, it moves sums between registers.
  static void multiply(Vec& sum, Vec x, Vec w) {
    asm("vpmaddwd %2, %1, %%zmm31\n\tvpaddd %%zmm31, %0, %0" : "+v"(sum) : "v"(x), "v"(w) : "xmm31");
  }
};

constexpr const char* kName = "avx512";
constexpr int kVectors = 6, kMostChannels = 8, kSums = 27, kWinogradVectors = 3, kWinogradChannels = 32;

}  // namespace
}  // namespace subpixel::avx512

#include "../generic/conv_int_x86.hpp"
