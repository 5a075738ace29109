// f32 convolution over tiles: 24 sums, 3 inputs and 1 weight of the 32 registers.
#define SUBPIXEL_TARGET_NS neon

namespace subpixel::neon {
namespace {
constexpr const char* kName = "neon";
constexpr int kLanes = 4, kChannels = 8, kVectors = 3;
}  // namespace
}  // namespace subpixel::neon

#include "../generic/conv_f32.hpp"
