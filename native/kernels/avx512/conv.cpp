// f32 convolution over tiles: 24 sums, 3 inputs and 1 weight of 32 registers.
#define SUBPIXEL_TARGET_NS avx512

namespace subpixel::avx512 {
namespace {
constexpr const char* kName = "avx512";
constexpr int kLanes = 16, kChannels = 8, kVectors = 3;
}  // namespace
}  // namespace subpixel::avx512

#include "../generic/conv_f32.hpp"
