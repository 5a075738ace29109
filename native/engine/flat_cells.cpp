// Finds the flat cells of an image, and the columns of every row that must be computed for the others.
#include "flat_cells.hpp"

#include <algorithm>

#include "subpixel/chain.hpp"
#include "subpixel/parallel.hpp"

namespace subpixel {
namespace {

// The rows of cells that a thread takes at a time: the rows around them are read twice.
constexpr int kAtOnce = 4;

// Reads rows as halves of a code, with one more sample before and after. Outside the image its edge is repeated.
class HalfRows {
 public:
  HalfRows(const ChainIo& io, int height, int width, const FlatKernels& kernels)
      : io_(io), kernels_(kernels), height_(height), width_(width), samples_(static_cast<std::size_t>(width)) {
    for (auto& row : rows_) row.resize(static_cast<std::size_t>(width) + 2);
  }

  // The newest three rows are kept.
  void read(int row) {
    std::vector<std::int16_t>& to = rows_[(row + 3) % 3];
    row = std::clamp(row, 0, height_ - 1);
    if (const std::uint8_t* bytes = io_.bytes(row)) {
      kernels_.halves_u8(bytes, width_, to.data() + 1);
    } else {
      io_.fetch(0, row, 0, width_, samples_.data());
      kernels_.halves(samples_.data(), width_, to.data() + 1);
    }
    to.front() = to[1];
    to.back() = to[static_cast<std::size_t>(width_)];
  }
  const std::int16_t* at(int row) const { return rows_[(row + 3) % 3].data() + 1; }

 private:
  const ChainIo& io_;
  const FlatKernels& kernels_;
  int height_, width_;
  std::vector<float> samples_;
  std::vector<std::int16_t> rows_[3];
};

}  // namespace

FlatCells::FlatCells(const ChainIo& io, int height, int width, int threshold, const FlatKernels& kernels, int threads)
    : rows_(ceil_div(height, kCell)), columns_(ceil_div(width, kCell)), stride_(columns_ + 2),
      busy_(static_cast<std::size_t>(rows_ + 2) * static_cast<std::size_t>(stride_)) {
  find(io, height, width, threshold, kernels, threads);
  const auto both = [](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(a & b); };
  const auto any = [](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(a | b); };
  combine_near(any);
  combine_near(both);
  for (int row = 0; row < rows_; ++row) flat_ += std::count(this->row(row), this->row(row) + columns_, std::uint8_t{0});
}

// Finds the busy cells.
void FlatCells::find(const ChainIo& io, int height, int width, int threshold, const FlatKernels& kernels,
                     int threads) {
  // Whether a quarter has a large bend, with one quarter more on each side.
  const std::ptrdiff_t wide = 2 * columns_ + 2;
  std::vector<std::uint8_t> sharp(static_cast<std::size_t>((2 * rows_ + 2) * wide));
  const int jobs = ceil_div(rows_, kAtOnce), share = threads_for(std::ptrdiff_t{height} * width, threads);
  parallel(jobs, share, [&](const auto& next) {
    HalfRows lines(io, height, width, kernels);
    std::vector<std::int16_t> largest(static_cast<std::size_t>(columns_) * kCell), total(largest.size());
    for (std::ptrdiff_t job = next(); job < jobs; job = next()) {
      const int first = static_cast<int>(job) * kAtOnce, last = std::min(first + kAtOnce, rows_);
      lines.read(first * kCell - 1);
      lines.read(first * kCell);
      for (int k = 2 * first; k < 2 * last; ++k) {
        std::fill(largest.begin(), largest.end(), std::int16_t{0});
        for (int row = k * kQuarter; row < std::min((k + 1) * kQuarter, height); ++row) {
          lines.read(row + 1);
          kernels.bends(lines.at(row - 1), lines.at(row), lines.at(row + 1), width, largest.data(), total.data());
        }
        kernels.any_of_four(largest.data(), 2 * columns_, threshold, sharp.data() + (k + 1) * wide + 1);
        if (k % 2 == 0) continue;
        // The mean of a cell's samples exceeds a quarter of the threshold.
        kernels.sum_of_eight(total.data(), columns_, kCell * kCell / 4 * threshold, cells(k / 2));
        std::fill(total.begin(), total.end(), std::int16_t{0});
      }
    }
  });
  for (int row = 0; row < rows_; ++row)
    for (int i = 0; i < 4; ++i) {
      const std::uint8_t* from = sharp.data() + (2 * row + i) * wide;
      std::uint8_t* const to = cells(row);
      for (int k = 0; k < columns_; ++k, from += 2) to[k] |= from[0] | from[1] | from[2] | from[3];
    }
}

// Each cell becomes the combination of itself and its eight neighbours.
template <class Combine>
void FlatCells::combine_near(const Combine& combine) {
  std::vector<std::uint8_t> across(busy_.size());
  const int rows = rows_ + 2;
  for (int row = 0; row < rows; ++row) {
    const std::uint8_t* from = busy_.data() + std::ptrdiff_t{row} * stride_;
    std::uint8_t* to = across.data() + std::ptrdiff_t{row} * stride_;
    to[0] = combine(from[0], from[1]);
    for (int k = 1; k < stride_ - 1; ++k) to[k] = combine(combine(from[k - 1], from[k]), from[k + 1]);
    to[stride_ - 1] = combine(from[stride_ - 2], from[stride_ - 1]);
  }
  for (int row = 0; row < rows; ++row) {
    const auto near = [&](int r) { return across.data() + std::ptrdiff_t{std::clamp(r, 0, rows - 1)} * stride_; };
    const std::uint8_t *above = near(row - 1), *here = near(row), *below = near(row + 1);
    std::uint8_t* to = busy_.data() + std::ptrdiff_t{row} * stride_;
    for (int k = 0; k < stride_; ++k) to[k] = combine(combine(above[k], here[k]), below[k]);
  }
}

const std::vector<Span>& Spans::of(const FlatCells& cells, int row, int height, int left, int columns, int reach_h,
                                   int reach_w, int gap) {
  const int first = std::clamp(row - reach_h, 0, height - 1) / kCell;
  const int last = std::clamp(row + reach_h, 0, height - 1) / kCell;
  if (first == first_ && last == last_) return spans_;
  first_ = first;
  last_ = last;
  spans_.clear();
  const int from = left / kCell, until = ceil_div(left + columns, kCell);
  for (int k = from; k < until; ++k) {
    bool needed = false;
    for (int r = first; r <= last; ++r) needed |= cells.row(r)[k] != 0;
    if (!needed) continue;
    const int begin = (k - from) * kCell / kSpanStep * kSpanStep;
    const int end = std::min((k - from + 1) * kCell, columns) + 2 * reach_w;
    if (!spans_.empty() && begin <= spans_.back().last + gap) spans_.back().last = end;
    else spans_.push_back({begin, end});
  }
  return spans_;
}

}  // namespace subpixel
