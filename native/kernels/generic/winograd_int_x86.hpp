// The convolutions of subpixel/winograd.hpp, over a Wide with cells of two 16-bit samples. Part of conv_int_x86.hpp.
// The target's file also defines kWinogradVectors, 2 or 3, and kWinogradChannels.
//
// A vector holds one of the six parts of as many tiles. Each part is summed over kernel rows and groups by itself, in
// registers, like a convolution of width 1. Later parts start from the results of earlier ones.

#include "subpixel/winograd.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// ---- rows to parts

// d4 and d5 are the first two samples of the next tile.
inline void transform_tiles(const Cell* from, Cell* to, std::ptrdiff_t plane) {
  Vec d[6], unused[2];
  Wide::load_fours(from, d[0], d[1], d[2], d[3]);
  Wide::load_fours(from + kWinogradColumns, d[4], d[5], unused[0], unused[1]);
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
  const std::ptrdiff_t plane = to_stride / kWinogradParts;
  for (int g = 0; g < groups; ++g, from += stride, to += to_stride)
    for (int t = 0; t < tiles; t += Wide::kLanes) transform_tiles(from + t * kWinogradColumns, to + t, plane);
}

// ---- parts to sums

// The results of some channels and of Vectors vectors of tiles: the four columns, and the first part of a pair. A view
// that starts at a later channel has the same strides.
template <int Vectors>
struct Sums {
  static constexpr int kMost = kWinogradChannels + 1, kNumbers = kWinogradColumns + 1;
  Vec* first;

  Vec& y(int j, int c, int v) const { return first[(j * kMost + c) * Vectors + v]; }
  Vec& first_of_pair(int c, int v) const { return y(kWinogradColumns, c, v); }
  Sums from(int channel) const { return {first + channel * Vectors}; }
};

// The parts in the order in which they are summed. The first four are two pairs, whose sum and difference the results
// take. Each step is done for all channels at hand before the next: the samples of a part stay near meanwhile.
enum Step { kFirst, kSecond, kThird, kFourth, kFifth, kSixth };

template <int step, int Channels, int Vectors>
inline void begin_step(Sums<Vectors> k, Vec (&sum)[Channels][Vectors]) {
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v)
      sum[c][v] = step == kFifth ? k.y(0, c, v) : step == kSixth ? k.y(3, c, v) : Vec{};
}

template <int step, int Channels, int Vectors>
inline void end_step(Sums<Vectors> k, Vec (&sum)[Channels][Vectors]) {
#pragma GCC unroll 16
  for (int c = 0; c < Channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      const Vec part = sum[c][v];
      if (step == kFirst || step == kThird) k.first_of_pair(c, v) = part;
      if (step == kSecond) {
        const Vec first_of_pair = k.first_of_pair(c, v);
        k.y(2, c, v) = Wide::add32(first_of_pair, part);
        k.y(1, c, v) = Wide::sub32(first_of_pair, part);
      }
      if (step == kFourth) {
        const Vec first_of_pair = k.first_of_pair(c, v), y1 = k.y(1, c, v), y2 = k.y(2, c, v);
        const Vec total = Wide::add32(first_of_pair, part), difference = Wide::sub32(first_of_pair, part);
        k.y(0, c, v) = Wide::add32(y2, total);
        k.y(2, c, v) = Wide::add32(y2, Wide::template shift32_left<2>(total));
        k.y(3, c, v) = Wide::add32(y1, Wide::template shift32_left<3>(difference));
        k.y(1, c, v) = Wide::add32(y1, Wide::template shift32_left<1>(difference));
      }
      if (step == kFifth) k.y(0, c, v) = part;
      if (step == kSixth) k.y(3, c, v) = part;
    }
}

// x: the part's first tile, counted from the beginning of the row.
template <int step, int Channels, int Vectors>
__attribute__((noinline)) void add_part(const RowConvInt& a, const Cell* weight, std::ptrdiff_t x, Sums<Vectors> k) {
  Vec sum[Channels][Vectors];
  begin_step<step>(k, sum);
  for (int ky = 0; ky < a.kernel_rows; ++ky) {
    const Cell* at = a.rows[ky] + x;
    for (int g = 0; g < a.groups; ++g, at += a.group_stride, weight += Channels)
      multiply_tap<Channels, Vectors>(at, weight, sum);
  }
  end_step<step>(k, sum);
}

// Computes channels first … last of the result.
template <int step, int Vectors>
void add_parts(const RowConvInt& a, const Cell* weight, int first, int last, int tile, Sums<Vectors> k) {
  const std::ptrdiff_t taps = static_cast<std::ptrdiff_t>(a.kernel_rows) * a.groups;
  const std::ptrdiff_t x = kWinogradOrder[step] * (a.group_stride / kWinogradParts) + tile;
  for (int c = first, channels; c < last; c += channels) {
    channels = block(a.channels - c);
    const Cell* from = weight + taps * (kWinogradParts * c + step * channels);
    if (channels == 4) add_part<step, 4, Vectors>(a, from, x, k.from(c - first));
    else if (channels == kMostChannels) add_part<step, kMostChannels, Vectors>(a, from, x, k.from(c - first));
    else add_part<step, kMostChannels + 1, Vectors>(a, from, x, k.from(c - first));
  }
}

// ---- sums to cells

// Divides 24 times a sum by 3, exactly: 3 has an inverse among 32-bit integers. The bias and the shift of a channel are
// scaled to match.
inline Vec third(Vec v) { return Wide::mul32(v, Wide::set32(static_cast<int>(0xaaaaaaabu))); }

inline Vec add_bias(Vec v, std::int32_t bias) { return Wide::add32(third(v), Wide::set32(bias)); }

template <Activation kind, bool Skip, int Vectors>
inline void store_tiles(const RowConvInt& a, const Block& b, int channels, Sums<Vectors> k) {
  const std::ptrdiff_t stride = a.out_stride, skip_stride = a.skip_stride;
  const Vec zero = Wide::set16(b.epilogue.zero);
  for (int c = 0; c + 1 < channels; c += 2)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      const std::ptrdiff_t column = v * Wide::kLanes * kWinogradColumns;
      Vec cells[kWinogradColumns], more[kWinogradColumns];
      if (Skip) Wide::load_fours(b.skip + c / 2 * skip_stride + column, more[0], more[1], more[2], more[3]);
#pragma GCC unroll 4
      for (int j = 0; j < kWinogradColumns; ++j) {
        const Vec even = add_bias(k.y(j, c, v), b.epilogue.bias[c]),
                  odd = add_bias(k.y(j, c + 1, v), b.epilogue.bias[c + 1]);
        Vec z = requantise<kind>(b.epilogue, c, even, odd);
        if (Skip) z = Wide::add16_saturated(z, scale_skip(a, Wide::twos_of_words(more[j])));
        cells[j] = Wide::words_of_two(Wide::add16_saturated(z, zero));
      }
      Wide::store_fours(b.out + c / 2 * stride + column, cells[0], cells[1], cells[2], cells[3]);
    }
}

template <int Vectors>
inline void store_last_tiles(const RowConvInt& a, const Block& b, int channels, Sums<Vectors> k) {
  for (int c = 0; c < channels; ++c)
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      const auto shift = [&](int j) {
        return Wide::shift_right(add_bias(k.y(j, c, v), b.epilogue.bias[c]), b.epilogue.shift[c]);
      };
      Wide::store_last_fours(b.last + c * a.last_stride + v * Wide::kLanes * kWinogradColumns, shift(0), shift(1),
                             shift(2), shift(3), b.epilogue.multiplier[4 * c]);
    }
}

template <int Vectors>
inline void finish(const RowConvInt& a, int first, int channels, int tile, Sums<Vectors> k) {
  const Block b(a, first, std::ptrdiff_t{tile} * kWinogradColumns);
  if (a.last != nullptr) return store_last_tiles(a, b, channels, k);
  choose_epilogue(a, [&](auto end) { store_tiles<end.kind, end.skip>(a, b, channels, k); });
}

template <int Vectors>
void conv_winograd(const RowConvInt& a, int tile) {
  Vec numbers[Sums<Vectors>::kNumbers * Sums<Vectors>::kMost * Vectors];
  const Sums<Vectors> k{numbers};
  for (int first = 0, last; first < a.channels; first = last) {
    last = first;
    do last += block(a.channels - last);
    while (last < a.channels && last - first < kWinogradChannels);
    add_parts<kFirst>(a, a.weight, first, last, tile, k);
    add_parts<kSecond>(a, a.weight, first, last, tile, k);
    add_parts<kThird>(a, a.weight, first, last, tile, k);
    add_parts<kFourth>(a, a.weight, first, last, tile, k);
    add_parts<kFifth>(a, a.weight, first, last, tile, k);
    add_parts<kSixth>(a, a.weight, first, last, tile, k);
    finish(a, first, last - first, tile, k);
  }
}

// Two steps of two vectors take less time than one of three and one of one, which has too few sums to hide the latency
// of the product.
void conv_winograd(const RowConvInt& a) {
  constexpr int lanes = Wide::kLanes;
  const int tiles = winograd_tiles(a.columns);
  for (int tile = 0, vectors; tile < tiles; tile += vectors * lanes) {
    const int left = (tiles - tile + lanes - 1) / lanes;
    vectors = left > 4 || left == 3 ? kWinogradVectors : left == 1 ? 1 : 2;
    if (vectors == kWinogradVectors) conv_winograd<kWinogradVectors>(a, tile);
    else if (vectors == 2) conv_winograd<2>(a, tile);
    else conv_winograd<1>(a, tile);
  }
}

constexpr WinogradInt kWinograd = {transform, conv_winograd};

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
