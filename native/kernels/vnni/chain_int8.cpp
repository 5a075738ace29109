// Rows of int8 chains with AVX-512 VNNI: 24 sums, 3 inputs and 1 weight of the 32 registers; one instruction computes
// 64 products.
#define SUBPIXEL_TARGET_NS vnni

#include "../generic/vector_int_x86.hpp"

namespace subpixel::vnni {
namespace {

struct Wide : ByteCells<Bits512> {
  static void multiply(Vec& sum, Vec x, Vec w) { asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w)); }
};

constexpr const char* kName = "vnni";
constexpr int kVectors = 6, kMostChannels = 8, kSums = 27;

}  // namespace
}  // namespace subpixel::vnni

#include "../generic/conv_int_x86.hpp"
