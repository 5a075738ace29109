// Rows of int8 chains by tiles. Each target's file defines SUBPIXEL_TARGET_NS, Tiles, Wide (cells of four bytes) and
// kName before it includes this.

#include "epilogue_int_x86.hpp"
#include "input_output_int.hpp"
#include "tables.hpp"
#include "tile_shapes.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

using Row = RowConvInt;
using Sum = std::int32_t;
constexpr int kGroup = Wide::kGroup;

template <int C, int A, int B>
inline void product(Tiles& tiles) { tiles.multiply_bytes<C, A, B>(); }

// Loads sums of some channels, `Vectors` vectors of columns each, and adds their bias.
template <int Channels, int Vectors>
inline void load_sums(const EpilogueInt& e, const Sum* sums, Vec (&sum)[Channels][Vectors]) {
#pragma GCC unroll 4
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v)
      sum[c][v] = Wide::add32(Wide::load(sums + (c * Vectors + v) * Wide::kLanes), Wide::set32(e.bias[c]));
}

template <Activation kind, bool Skip, int Vectors>
void epilogue_cells(const RowConvInt& a, int first, int channels, int column, const Sum* sums) {
  for (int c = 0; c < channels; c += 4, sums += 4 * Vectors * Wide::kLanes) {
    const Block b(a, first + c, column);
    Vec sum[4][Vectors];
    load_sums(b.epilogue, sums, sum);
    store_cells<kind, Skip>(a, b, sum);
  }
}

template <int Vectors>
void epilogue_last(const RowConvInt& a, int first, int channels, int column, const Sum* sums) {
  for (int c = 0; c < channels; ++c, sums += Vectors * Wide::kLanes) {
    const Block b(a, first + c, column);
    Vec sum[1][Vectors];
    load_sums(b.epilogue, sums, sum);
    store_last(a, b, sum);
  }
}

// sums: [channel][column of `Across` tiles]
template <int Across>
void epilogue_block(const RowConvInt& a, int first, int channels, int column, const Sum* sums) {
  constexpr int vectors = Across * kTileColumns / Wide::kLanes;
  if (a.last != nullptr) return epilogue_last<vectors>(a, first, channels, column, sums);
  choose_epilogue(a, [&](auto end) { epilogue_cells<end.kind, end.skip, vectors>(a, first, channels, column, sums); });
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS

#include "conv_tiles.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {

constexpr Int8ChainKernels chain_int8_kernels = {
    kName, kGroup, block, conv, encode, interleave<std::int16_t, float>,
    interleave<std::int16_t, std::uint8_t>, {nullptr, nullptr}, peak, &kPacking};

}  // namespace subpixel::SUBPIXEL_TARGET_NS
