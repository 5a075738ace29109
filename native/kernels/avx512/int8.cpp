// AVX-512 without VNNI: products of 16-bit samples, added in a second instruction.
#define SUBPIXEL_TARGET_NS avx512
#define SUBPIXEL_TILES

#include "../generic/wide_x86.hpp"

namespace subpixel::avx512 {
namespace {

struct Wide : WordCells<Bits512> {
  static void multiply(Vec& sum, Vec x, Vec w) {
    Vec product;
    asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+v"(sum), "=&v"(product) : "v"(x), "v"(w));
  }
};

constexpr const char* kName = "avx512";
constexpr int kVectors = 6, kMostChannels = 8, kSums = 27, kTileVectors = 3, kTileChannels = 32;

}  // namespace
}  // namespace subpixel::avx512

#include "../generic/conv_int_x86.hpp"
