// AMX: one instruction computes 16,384 products of bytes. The epilogue of a block is that of AVX-512.
#define SUBPIXEL_TARGET_NS amx

#include "../generic/vector_int_x86.hpp"
#include "tiles.hpp"

namespace subpixel::amx {
namespace {
using Wide = ByteCells<Bits512>;
constexpr const char* kName = "amx";
}  // namespace
}  // namespace subpixel::amx

#include "../generic/conv_tiles_int.hpp"
