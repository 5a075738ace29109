// f32 convolution over tiles: 12 sums, 3 inputs and 1 weight fill the 16 registers.
#define SUBPIXEL_TARGET_NS avx2

namespace subpixel::avx2 {
namespace {
constexpr const char* kName = "avx2";
constexpr int kLanes = 8, kChannels = 4, kVectors = 3;
}  // namespace
}  // namespace subpixel::avx2

#include "../generic/conv_f32.hpp"
