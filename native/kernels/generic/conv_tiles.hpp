// Rows of chains by products of tiles, written once over Tiles. Each target's file defines SUBPIXEL_TARGET_NS, Tiles,
// kName, Row (RowConvInt or RowConvFloat), Sum, kGroup, product and epilogue_block before it includes this.
//
// A product adds the products of 16 cells to each of 16 channels x 16 columns of sums: C += A * B, where
//   A  holds weights: a row is a channel's cells of one step
//   B  holds inputs in their order in memory: a row is one cell each of 16 neighbouring columns. The next row is a
//      constant stride further: the next group of channels (continued in the next kernel row if rows are contiguous) or
//      the next tap
//   C  is [channel][column], as the epilogue of a block wants sums.
// A step is one A and one B. The kernel is cut into steps in the way that gives the fewest: 3x3 of 16 channels of bytes
// is 3 steps of 12 rows, one for each kernel column. Tiles are as high as steps are deep, so nothing else is read.
//
// A product takes 16 cycles, and its sums can be added to after 52. Loading a tile takes 8, and twice that if its rows
// cross cache lines, as two of three taps do. Therefore four sums are computed at once: two blocks of channels by two
// tiles of columns (4 loads for 4 products), or four tiles of columns of one block (5 loads). The epilogue of a block
// is computed while the products of the next one run: by then its sums are in memory, and neither waits for the other.
// 64 columns of 16 channels, 3x3, take 192 cycles of products, about 160 of loads and 130 of epilogues, each in units
// of its own.

#include "tile_shapes.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// The first register of each kind.
constexpr int kSumTile = 0, kWeightTile = 4, kInputTile = 6;

// How a kernel is cut. From each of `rows` kernel rows, or from the first alone, `each` first tiles begin, a tap or a
// group apart. From each of them `along` rows of B follow, cut into `chunks` steps of `depth`. The last step is moved
// back to end where they end; what it shares with the one before counts once.
struct Steps {
  enum Axis { groups, rows_and_groups, columns } axis;
  int rows, each, along, chunks, depth;
  int count() const { return rows * each * chunks; }
  int first(int chunk) const { return chunk + 1 < chunks ? chunk * depth : along - depth; }
};

inline Steps steps_of(Steps::Axis axis, int rows, int each, int along) {
  const int chunks = (along + kTileRows - 1) / kTileRows;
  return {axis, rows, each, along, chunks, (along + chunks - 1) / chunks};
}

inline Steps steps_of(const Taps& t) {
  Steps best = steps_of(Steps::groups, t.rows, t.columns, t.groups);
  const Steps others[] = {steps_of(Steps::columns, t.rows, t.groups, t.columns),
                          steps_of(Steps::rows_and_groups, 1, t.columns, t.rows * t.groups)};
  for (const Steps& s : others)
    if (s.count() < best.count()) best = s;
  return best;
}

// ---- weights: [step][channel][row of B], the last padded to a cache line

int packed_cells(const Taps& t) { return steps_of(t).count() * kTileRows; }

bool contiguous(const Taps& t) { return steps_of(t).axis == Steps::rows_and_groups; }

void pack(const Taps& t, int channels, const Cell* from, Cell* to) {
  const Steps s = steps_of(t);
  for (int row = 0; row < s.rows; ++row)
    for (int e = 0; e < s.each; ++e)
      for (int chunk = 0; chunk < s.chunks; ++chunk)
        for (int c = 0; c < channels; ++c, to += kTileRows)
          for (int k = 0; k < kTileRows; ++k) {
            const int at = s.first(chunk) + k;
            const int ky = s.axis == Steps::rows_and_groups ? at / t.groups : row;
            const int group = s.axis == Steps::columns ? e : at % t.groups, kx = s.axis == Steps::columns ? at : e;
            const bool counts = k < s.depth && at >= chunk * s.depth;
            to[k] = counts ? from[((ky * t.groups + group) * t.columns + kx) * channels + c] : 0;
          }
}

constexpr Packing kPacking = {packed_cells, pack, contiguous};

int block(int left) { return left < kTileRows ? left : kTileRows; }

// ---- products

// The register with the sums of a block of channels and a tile of columns.
template <int N>
constexpr int sum_tile(int block, int column) { return kSumTile + (N == 2 ? 2 * block : 0) + column; }

template <int N, int Across, int J = 0>
inline void clear_sums(Tiles& tiles) {
  if constexpr (J < Across) {
    tiles.template zero<sum_tile<N>(0, J)>();
    if constexpr (N == 2) tiles.template zero<sum_tile<N>(1, J)>();
    clear_sums<N, Across, J + 1>(tiles);
  }
}

// [block][channel][column]
template <int N, int Across, int J = 0>
inline void store_sums(Tiles& tiles, Sum* to) {
  constexpr int stride = Across * kTileColumns;
  if constexpr (J < Across) {
    tiles.template store<sum_tile<N>(0, J)>(to + J * kTileColumns, stride);
    if constexpr (N == 2)
      tiles.template store<sum_tile<N>(1, J)>(to + kTileRows * stride + J * kTileColumns, stride);
    store_sums<N, Across, J + 1>(tiles, to);
  }
}

// Multiplies one tile of columns after the other with the weights of one step.
template <int N, int Across, int J = 0>
inline void multiply_columns(Tiles& tiles, const Cell* x, std::ptrdiff_t stride) {
  if constexpr (J < Across) {
    constexpr int input = kInputTile + J % 2;
    tiles.template load<input>(x + J * kTileColumns, stride);
    product<sum_tile<N>(0, J), kWeightTile, input>(tiles);
    if constexpr (N == 2) product<sum_tile<N>(1, J), kWeightTile + 1, input>(tiles);
    multiply_columns<N, Across, J + 1>(tiles, x, stride);
  }
}

// One or two blocks of channels that are computed together: where they begin, their numbers of channels, and their
// weights.
struct Blocks {
  int first, count[2];
  const Cell* weight[2];
};

template <int N, int Across>
inline void multiply(Tiles& tiles, const Row& a, const Steps& s, const Blocks& b, int column) {
  const bool taps = s.axis == Steps::columns, rows = s.axis == Steps::rows_and_groups && a.groups == 1;
  const std::ptrdiff_t stride = taps ? 1 : rows ? a.rows[1] - a.rows[0] : a.group_stride;
  const std::ptrdiff_t next = taps ? a.group_stride : 1;
  const Cell *weight = b.weight[0], *other = b.weight[1];
  clear_sums<N, Across>(tiles);
  for (int row = 0; row < s.rows; ++row) {
    const Cell* origin = a.rows[row] + column;
    for (int e = 0; e < s.each; ++e, origin += next)
      for (int chunk = 0; chunk < s.chunks; ++chunk) {
        tiles.template load<kWeightTile>(weight, kTileRows);
        weight += b.count[0] * kTileRows;
        if constexpr (N == 2) {
          tiles.template load<kWeightTile + 1>(other, kTileRows);
          other += b.count[1] * kTileRows;
        }
        multiply_columns<N, Across>(tiles, origin + s.first(chunk) * stride, stride);
      }
  }
}

template <int N, int Across>
inline void epilogue_blocks(const Row& a, const Blocks& b, int column, const Sum* sums) {
  epilogue_block<Across>(a, b.first, b.count[0], column, sums);
  if (N == 2)
    epilogue_block<Across>(a, b.first + b.count[0], b.count[1], column, sums + kTileRows * Across * kTileColumns);
}

// Computes columns from `column` on while there are enough tiles. Returns where it stopped.
template <int N, int Across>
int conv_columns(Tiles& tiles, const Row& a, const Steps& s, const Blocks& b, int column, int until) {
  constexpr int wide = Across * kTileColumns;
  alignas(64) Sum sums[N * kTileRows * wide];
  int pending = -1;
  for (; until - column > wide - kTileColumns; column += wide) {
    multiply<N, Across>(tiles, a, s, b, column);
    if (pending >= 0) epilogue_blocks<N, Across>(a, b, pending, sums);
    store_sums<N, Across>(tiles, sums);
    pending = column;
  }
  if (pending >= 0) epilogue_blocks<N, Across>(a, b, pending, sums);
  return column;
}

TileShapes shapes_of(const Blocks& b, int depth) {
  TileShapes shapes;
  const bool two = b.count[1] > 0;
  for (int t = 0; t < 4; ++t) shapes.set(kSumTile + t, b.count[two && t >= 2], kTileColumns);
  for (int t = 0; t < 2; ++t) {
    shapes.set(kWeightTile + t, b.count[two && t == 1], depth);
    shapes.set(kInputTile + t, depth, kTileColumns);
  }
  return shapes;
}

// Computes a stripe of columns for the blocks of channels that are computed together.
void conv_stripe(Tiles& tiles, const Row& a, const Steps& s, const Blocks& b, int column, int until) {
  if (b.count[1] > 0) {
    column = conv_columns<2, 2>(tiles, a, s, b, column, until);
    conv_columns<2, 1>(tiles, a, s, b, column, until);
    return;
  }
  column = conv_columns<1, 4>(tiles, a, s, b, column, until);
  column = conv_columns<1, 2>(tiles, a, s, b, column, until);
  conv_columns<1, 1>(tiles, a, s, b, column, until);
}

void conv(const Row& a) {
  const Steps s = steps_of({a.kernel_rows, a.groups, a.kernel_columns});
  const std::ptrdiff_t taps = static_cast<std::ptrdiff_t>(s.count()) * kTileRows;
  // If the columns are read more than once, a stripe is as wide as stays in the first-level cache.
  constexpr int cells = 24 * 1024 / static_cast<int>(sizeof(Cell)), least = 4 * kTileColumns, most = 2 * kTileRows;
  const int fit = cells / (a.kernel_rows * a.groups) / least * least;
  const int stripe = a.channels <= most ? a.columns : fit > least ? fit : least;
  Tiles tiles;
  int shaped[2] = {};
  for (int column = 0; column < a.columns; column += stripe) {
    const int until = column + stripe < a.columns ? column + stripe : a.columns;
    Blocks b{0, {}, {a.weight, nullptr}};
    for (; b.first < a.channels; b.first += most, b.weight[0] = b.weight[1] + taps * b.count[1]) {
      b.count[0] = block(a.channels - b.first);
      b.count[1] = block(a.channels - b.first - b.count[0]);
      b.weight[1] = b.weight[0] + taps * b.count[0];
      if (b.count[0] != shaped[0] || b.count[1] != shaped[1]) tiles.configure(shapes_of(b, s.depth));
      shaped[0] = b.count[0];
      shaped[1] = b.count[1];
      conv_stripe(tiles, a, s, b, column, until);
    }
  }
  tiles.release();
}

// Six sums hide the latency of a product.
long long peak(long long rounds) {
  Tiles tiles;
  TileShapes shapes;
  for (int t = 0; t < kTiles; ++t) shapes.set(t, kTileRows, kTileColumns);
  tiles.configure(shapes);
  for (long long k = 0; k < rounds; ++k) {
    product<0, 6, 7>(tiles);
    product<1, 6, 7>(tiles);
    product<2, 6, 7>(tiles);
    product<3, 6, 7>(tiles);
    product<4, 6, 7>(tiles);
    product<5, 6, 7>(tiles);
  }
  tiles.release();
  return rounds * 6 * kTileRows * kTileRows * kTileColumns * kGroup;
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
