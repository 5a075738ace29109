// The convolutions of subpixel/tiles.hpp for whole numbers, over a Wide with cells of two 16-bit samples: part of
// conv_int_x86.hpp.
//
// A vector holds one of the six parts of as many tiles. Each part is summed over kernel rows and groups by itself, in
// registers, as a convolution of width 1; what the first ones gave is where the later ones begin.

#include "subpixel/tiles.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// ---- rows to parts

// d4 and d5 are the first two samples of the next tile.
inline void transform_tiles(const Cell* from, Cell* to, std::ptrdiff_t plane) {
  Vec d[6], unused[2];
  Wide::load_fours(from, d[0], d[1], d[2], d[3]);
  Wide::load_fours(from + kTileColumns, d[4], d[5], unused[0], unused[1]);
  const auto times4 = [](Vec v) { return Wide::shift16_left2(v); };
  const Vec a = Wide::sub16(d[4], times4(d[2])), b = Wide::sub16(d[3], times4(d[1]));
  const Vec c = Wide::sub16(d[4], d[2]), e = Wide::sub16(d[3], d[1]), twice = Wide::add16(e, e);
  Wide::store(to, Wide::add16(times4(Wide::sub16(d[0], d[2])), c));
  Wide::store(to + plane, Wide::add16(a, b));
  Wide::store(to + 2 * plane, Wide::sub16(a, b));
  Wide::store(to + 3 * plane, Wide::add16(c, twice));
  Wide::store(to + 4 * plane, Wide::sub16(c, twice));
  Wide::store(to + 5 * plane, Wide::sub16(Wide::sub16(d[5], d[3]), times4(e)));
}

void transform(const Cell* from, std::ptrdiff_t stride, int groups, int tiles, Cell* to, std::ptrdiff_t to_stride) {
  const std::ptrdiff_t plane = to_stride / kTileParts;
  for (int g = 0; g < groups; ++g, from += stride, to += to_stride)
    for (int t = 0; t < tiles; t += Wide::kLanes) transform_tiles(from + t * kTileColumns, to + t, plane);
}

// ---- parts to sums

// One part of a block, summed onto what is there.
template <int Channels, int Vectors>
inline const Cell* add_part(const RowConvInt& a, const Cell* weight, std::ptrdiff_t at, Vec (&sum)[Channels][Vectors]) {
  for (int ky = 0; ky < a.kernel_rows; ++ky) {
    const Cell* x = a.rows[ky] + at;
    for (int g = 0; g < a.groups; ++g, x += a.group_stride, weight += Channels)
      multiply_tap<Channels, Vectors>(x, weight, sum);
  }
  return weight;
}

template <int Channels, int Vectors>
struct Sums {
  Vec v[Channels][Vectors];

  template <class Body>
  void each(Body body) {
#pragma GCC unroll 16
    for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
      for (int k = 0; k < Vectors; ++k) body(v[c][k], c, k);
  }
};

// Sums of two parts that the results take as sum and difference.
template <int Channels, int Vectors>
inline const Cell* add_pair(const RowConvInt& a, const Cell* weight, std::ptrdiff_t at, std::ptrdiff_t plane,
                            Sums<Channels, Vectors>& sum, Sums<Channels, Vectors>& difference) {
  Vec s[Channels][Vectors] = {};
  weight = add_part<Channels, Vectors>(a, weight, at, s);
  sum.each([&](Vec& v, int c, int k) { v = s[c][k], s[c][k] = Vec{}; });
  weight = add_part<Channels, Vectors>(a, weight, at + plane, s);
  difference.each([&](Vec& v, int c, int k) {
    const Vec first = sum.v[c][k];
    v = Wide::sub32(first, s[c][k]);
    sum.v[c][k] = Wide::add32(first, s[c][k]);
  });
  return weight;
}

// 24 times a sum as 8 times it, exactly: 3 has an inverse among numbers of 32 bits. The bias and the shift of a channel
// are given so that they fit.
inline Vec third(Vec v) { return Wide::mul32(v, Wide::set32(static_cast<int>(0xaaaaaaabu))); }

template <Activation kind, bool Skip, int Channels, int Vectors>
inline void store_tiles(const RowConvInt& a, const Block& b, Sums<Channels, Vectors> (&y)[kTileColumns]) {
  const std::ptrdiff_t stride = a.out_stride, skip_stride = a.skip_stride;
  const Vec zero = Wide::set16(b.end.zero);
#pragma GCC unroll 8
  for (int c = 0; c + 1 < Channels; c += 2)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      const std::ptrdiff_t column = v * Wide::kLanes * kTileColumns;
      Vec cells[kTileColumns], more[kTileColumns];
      if (Skip) Wide::load_fours(b.skip + c / 2 * skip_stride + column, more[0], more[1], more[2], more[3]);
      for (int j = 0; j < kTileColumns; ++j) {
        Vec z = ended<kind>(b.end, c, y[j].v[c][v], y[j].v[c + 1][v]);
        if (Skip) z = Wide::add16_saturated(z, skipped(a, Wide::twos_of_words(more[j])));
        cells[j] = Wide::words_of_two(Wide::add16_saturated(z, zero));
      }
      Wide::store_fours(b.out + c / 2 * stride + column, cells[0], cells[1], cells[2], cells[3]);
    }
}

template <int Channels, int Vectors>
inline void store_last_tiles(const RowConvInt& a, const Block& b, Sums<Channels, Vectors> (&y)[kTileColumns]) {
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      Vec shifted[kTileColumns];
      for (int j = 0; j < kTileColumns; ++j) shifted[j] = Wide::shift_right(y[j].v[c][v], b.end.shift[c]);
      Wide::store_last_fours(b.last + c * a.last_stride + v * Wide::kLanes * kTileColumns, shifted[0], shifted[1],
                             shifted[2], shifted[3], b.end.multiplier[4 * c]);
    }
}

template <int Channels, int Vectors>
__attribute__((noinline)) void tile_block(const RowConvInt& a, const Cell* weight, int first, int tile) {
  const std::ptrdiff_t plane = a.group_stride / kTileParts;
  // y1 and y2 lie where a pair's difference and sum were.
  Sums<Channels, Vectors> y[kTileColumns], sum, difference;
  weight = add_pair(a, weight, plane + tile, plane, y[2], y[1]);
  weight = add_pair(a, weight, 3 * plane + tile, plane, sum, difference);
  Vec s[Channels][Vectors];
  sum.each([&](Vec& v, int c, int k) {
    s[c][k] = Wide::add32(y[2].v[c][k], v);
    y[2].v[c][k] = Wide::add32(y[2].v[c][k], Wide::shift32_left<2>(v));
  });
  weight = add_part<Channels, Vectors>(a, weight, tile, s);
  y[0].each([&](Vec& v, int c, int k) { v = s[c][k]; });
  difference.each([&](Vec& v, int c, int k) {
    s[c][k] = Wide::add32(y[1].v[c][k], Wide::shift32_left<3>(v));
    y[1].v[c][k] = Wide::add32(y[1].v[c][k], Wide::shift32_left<1>(v));
  });
  add_part<Channels, Vectors>(a, weight, 5 * plane + tile, s);
  y[3].each([&](Vec& v, int c, int k) { v = s[c][k]; });

  const Block b(a, first, std::ptrdiff_t{tile} * kTileColumns);
  for (auto& one : y)
    one.each([&](Vec& v, int c, int) { v = Wide::add32(third(v), Wide::set32(b.end.bias[c])); });
  if (a.last != nullptr) return store_last_tiles(a, b, y);
  if (a.skip != nullptr) switch (a.end.activation) {
    case Activation::relu: return store_tiles<Activation::relu, true>(a, b, y);
    case Activation::prelu: return store_tiles<Activation::prelu, true>(a, b, y);
    default: return store_tiles<Activation::none, true>(a, b, y);
  }
  switch (a.end.activation) {
    case Activation::tanh: return store_tiles<Activation::tanh, false>(a, b, y);
    case Activation::prelu: return store_tiles<Activation::prelu, false>(a, b, y);
    default: return store_tiles<Activation::none, false>(a, b, y);
  }
}

template <int Channels>
inline void tile_columns(const RowConvInt& a, const Cell* weight, int first, int tile, int until) {
  constexpr int most = kSums / Channels > 2 ? 2 : kSums / Channels;
  for (; most > 1 && until - tile > Wide::kLanes; tile += most * Wide::kLanes)
    tile_block<Channels, most>(a, weight, first, tile);
  for (; tile < until; tile += Wide::kLanes) tile_block<Channels, 1>(a, weight, first, tile);
}

void conv_tiles(const RowConvInt& a) {
  const std::ptrdiff_t taps = static_cast<std::ptrdiff_t>(kTileParts) * a.kernel_rows * a.groups;
  const int tiles = tiles_of(a.columns), step = 2 * Wide::kLanes;
  for (int tile = 0; tile < tiles; tile += step) {
    const int until = tile + step < tiles ? tile + step : tiles;
    const Cell* weight = a.weight;
    for (int first = 0, channels; first < a.channels; first += channels, weight += taps * channels) {
      channels = block(a.channels - first);
      if (channels == 4)
        tile_columns<4>(a, weight, first, tile, until);
      else if (channels == kMostChannels)
        tile_columns<kMostChannels>(a, weight, first, tile, until);
      else
        tile_columns<kMostChannels + 1>(a, weight, first, tile, until);
    }
  }
}

constexpr TilesInt kTiles = {transform, conv_tiles};

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
