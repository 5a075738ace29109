// Rows of bf16 chains by tiles. Each target's file defines SUBPIXEL_TARGET_NS, kLanes, Tiles and kName, over
// math_bf16.hpp, before it includes this.

#include "epilogue_float.hpp"
#include "tables.hpp"
#include "tile_shapes.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

using Row = RowConvFloat;
using Sum = float;
constexpr int kGroup = Math::kGroup;

template <int C, int A, int B>
inline void product(Tiles& tiles) { tiles.multiply_bf16<C, A, B>(); }

// Loads sums of some channels, `Vectors` vectors of columns each, and adds their bias.
template <int Channels, int Vectors>
inline void load_sums(const float* bias, const Sum* sums, Vec (&sum)[Channels][Vectors]) {
#pragma GCC unroll 4
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) sum[c][v] = load(sums + (c * Vectors + v) * kLanes) + fill(bias[c]);
}

// sums: [channel][column of `Across` tiles]
template <int Across>
void epilogue_block(const RowConvFloat& a, int first, int channels, int column, const Sum* sums) {
  constexpr int vectors = Across * kTileColumns / kLanes, step = vectors * kLanes;
  if (a.last != nullptr) {
    for (int c = 0; c < channels; ++c, sums += step) {
      const Block b(a, first + c, column);
      Vec sum[1][vectors];
      load_sums(b.bias, sums, sum);
      store_last(a, b, sum);
    }
    return;
  }
  for (int c = 0; c < channels; c += kGroup, sums += kGroup * step) {
    const Block b(a, first + c, column);
    Vec sum[kGroup][vectors];
    load_sums(b.bias, sums, sum);
    if (a.skip != nullptr)
      store_activated<true>(a, b, sum);
    else
      store_activated<false>(a, b, sum);
  }
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS

#include "conv_tiles.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {

constexpr FloatChainKernels chain_bf16_kernels = {
    kName, kGroup, block, conv, Math::encode, interleave<float, float>, peak, &kPacking};

}  // namespace subpixel::SUBPIXEL_TARGET_NS
