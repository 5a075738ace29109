// Cells, the unit that the row kernels of every precision work on, and the rows of one convolution.
//
// A cell is 4 bytes that one instruction multiplies: four u8 samples, two of 16 bits (integers or bf16) or one float
// (`group` of a target's kernels). A row of a value is stored as [group of channels][column] cells. A vector of cells
// therefore holds one group of neighbouring columns, and a horizontal tap is the same vector one cell further.
#pragma once

#include <cstddef>
#include <cstdint>

namespace subpixel {

using Cell = std::uint32_t;

// Cells beyond its columns that may be read or written of a row: the widest block of any target.
inline constexpr int kCellSlack = 112;

// The taps of a kernel, counted in cells.
struct Taps {
  int rows, groups, columns;
};

// Describes the weights of a block of channels for targets that do not take them as [kernel row][group][kernel column]
// [channel].
struct Packing {
  int (*cells)(const Taps&);  // of each channel
  void (*pack)(const Taps&, int channels, const Cell* from, Cell* to);
  // Whether rows[r + 1] of a RowConv must be rows[r] + groups * group_stride. With one group all rows must be equally
  // far apart.
  bool (*contiguous)(const Taps&);
};

// The input and output rows of a convolution that computes one row.
struct RowConv {
  const Cell* const* rows;  // one per kernel row, at the leftmost tap of column 0
  int kernel_rows, groups, kernel_columns;
  std::ptrdiff_t group_stride;  // cells from a group to the next
  int columns;                  // rows may be read and results written up to kCellSlack cells further
  const Cell* skip;             // the earlier value's row that is added: [group][column], or null
  std::ptrdiff_t skip_stride;
  Cell* out;                    // [group][column]; unused by the last layer
  std::ptrdiff_t out_stride;
  void* last;                   // result of the last layer: [channel][column] of its own samples, at most 4 bytes each
  std::ptrdiff_t last_stride;   // in samples
};

}  // namespace subpixel
