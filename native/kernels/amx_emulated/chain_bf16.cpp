// The algorithm of AMX over loops in place of its instructions, for tests. The epilogue is that of AVX2.
#define SUBPIXEL_TARGET_NS amx_emulated

namespace subpixel::amx_emulated {
namespace {
constexpr const char* kName = "amx-emulated";
constexpr int kLanes = 8;
}  // namespace
}  // namespace subpixel::amx_emulated

#include "../generic/math_bf16.hpp"
#include "tiles.hpp"

#include "../generic/conv_tiles_bf16.hpp"
