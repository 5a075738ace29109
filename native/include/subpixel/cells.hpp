// What the row kernels of every precision share: cells, and where the rows of one call lie.
//
// The unit is a cell: 4 bytes that one instruction multiplies, as four u8 samples, two of 16 bits (whole numbers or bf16)
// or one float (`group` of a target's kernels). A row of a value lies as [group of channels][column] cells, so that a vector
// of cells holds one group of neighbouring columns, and a horizontal tap is the same vector one cell further.
#pragma once

#include <cstddef>
#include <cstdint>

namespace subpixel {

using Cell = std::uint32_t;

// How far beyond its columns a row may be read or written: the widest block of any target.
inline constexpr int kCellSlack = 112;

// The taps of a kernel, as cells see them.
struct Taps {
  int rows, groups, columns;
};

// How a target wants the weights of a block of channels that it does not take as [kernel row][group][kernel column]
// [channel].
struct Packing {
  int (*cells)(const Taps&);  // for each channel
  void (*pack)(const Taps&, int channels, const Cell* from, Cell* to);
  // Whether rows[r + 1] of a RowConv must be rows[r] + groups * group_stride; of one group: all equally far apart.
  bool (*contiguous)(const Taps&);
};

// The rows of one convolution of one row.
struct RowConv {
  const Cell* const* rows;  // one for each kernel row, at the leftmost tap of column 0
  int kernel_rows, groups, kernel_columns;
  std::ptrdiff_t group_stride;  // cells from a group to the next
  int columns;                  // rows may be read and results written up to kCellSlack cells further
  const Cell* skip;             // the earlier value's row that is added, [group][column], or null
  std::ptrdiff_t skip_stride;
  Cell* out;                    // [group][column], or
  std::ptrdiff_t out_stride;
  void* last;                   // what a last layer makes, [channel][column] of its own samples, 4 bytes at most
  std::ptrdiff_t last_stride;   // samples
};

}  // namespace subpixel
