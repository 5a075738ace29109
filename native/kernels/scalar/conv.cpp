// f32 convolution over tiles with what every processor of the family has: SSE2 on x86-64, NEON on 64-bit ARM. 8 sums of
// 16 registers.
#define SUBPIXEL_TARGET_NS scalar

namespace subpixel::scalar {
namespace {
constexpr const char* kName = "scalar";
constexpr int kLanes = 4, kChannels = 4, kVectors = 2;
}  // namespace
}  // namespace subpixel::scalar

#include "../generic/conv_f32.hpp"
