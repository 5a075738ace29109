// Finds the flat cells of an image, and the columns of every row that must be computed for the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "subpixel/flat.hpp"

namespace subpixel {

class ChainIo;

class FlatCells {
 public:
  // threshold: in halves of a code. Reads every row once.
  FlatCells(const ChainIo& io, int height, int width, int threshold, const FlatKernels& kernels, int threads);

  // Whether the network computes each cell of a row of cells.
  const std::uint8_t* row(int cell_row) const { return busy_.data() + (cell_row + 1) * stride_ + 1; }
  // Whether so many cells are flat that spans of rows cost less than whole rows.
  bool worth_spans() const { return flat_ * kLeastShare > std::ptrdiff_t{rows_} * columns_; }

 private:
  void find(const ChainIo& io, int height, int width, int threshold, const FlatKernels& kernels, int threads);
  template <class Combine>
  void combine_near(const Combine& combine);
  std::uint8_t* cells(int row) { return busy_.data() + (row + 1) * stride_ + 1; }

  // One of so many cells must be flat: rows around the others are computed too, and each span has a cost of its own.
  static constexpr std::ptrdiff_t kLeastShare = 16;

  int rows_, columns_;
  std::ptrdiff_t stride_, flat_ = 0;
  std::vector<std::uint8_t> busy_;  // [row of cells][cell], with one cell more on each side
};

// The spans of one value's rows in a strip: the columns that somebody needs, from the value's first column on. Spans
// begin at multiples of kSpanStep, and those that are close are one.
class Spans {
 public:
  static constexpr int kSpanStep = 16;

  // For the rows that row `row` of the value is needed for: those up to reach_h further. left, columns: of the strip.
  // gap: the columns that cost less than a span of their own.
  const std::vector<Span>& of(const FlatCells& cells, int row, int height, int left, int columns, int reach_h,
                              int reach_w, int gap);
  void forget() { first_ = last_ = -1; }

 private:
  int first_ = -1, last_ = -1;  // the rows of cells that the spans are for
  std::vector<Span> spans_;
};

}  // namespace subpixel
