// AMX: one instruction computes 8,192 products of bf16. The epilogue of a block is that of AVX-512.
#define SUBPIXEL_TARGET_NS amx

namespace subpixel::amx {
namespace {
constexpr const char* kName = "amx";
constexpr int kLanes = 16;
}  // namespace
}  // namespace subpixel::amx

#include "../generic/math_bf16.hpp"
#include "tiles.hpp"

#include "../generic/conv_tiles_bf16.hpp"
