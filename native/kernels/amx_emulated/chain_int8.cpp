// The algorithm of AMX over loops in place of its instructions, for tests. The epilogue is that of AVX2.
#define SUBPIXEL_TARGET_NS amx_emulated

#include "../generic/vector_int_x86.hpp"
#include "tiles.hpp"

namespace subpixel::amx_emulated {
namespace {
using Wide = ByteCells<Bits256>;
constexpr const char* kName = "amx-emulated";
}  // namespace
}  // namespace subpixel::amx_emulated

#include "../generic/conv_tiles_int.hpp"
