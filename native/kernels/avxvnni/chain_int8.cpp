// Rows of int8 chains with the byte product of AVX-VNNI on 16 registers of 256 bits: 12 sums, 3 inputs and 1 weight.
#define SUBPIXEL_TARGET_NS avxvnni

#include "../generic/vector_int_x86.hpp"

namespace subpixel::avxvnni {
namespace {

struct Wide : ByteCells<Bits256> {
  static void multiply(Vec& sum, Vec x, Vec w) { asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(w)); }
};

constexpr const char* kName = "avxvnni";
constexpr int kVectors = 6, kMostChannels = 4, kSums = 12;

}  // namespace
}  // namespace subpixel::avxvnni

#include "../generic/conv_int_x86.hpp"
