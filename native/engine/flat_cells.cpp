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
    : rows_(ceil_div(height, kCell)), columns_(ceil_div(width, kCell)),
      busy_(static_cast<std::size_t>(rows_) * static_cast<std::size_t>(columns_)) {
  find(io, height, width, threshold, kernels, threads);
  widen();
  flat_ = std::count(busy_.begin(), busy_.end(), std::uint8_t{0});
}

void FlatCells::find(const ChainIo& io, int height, int width, int threshold, const FlatKernels& kernels,
                     int threads) {
  const int jobs = ceil_div(rows_, kAtOnce);
  parallel(jobs, threads_for(std::ptrdiff_t{height} * width, threads), [&](const auto& next) {
    HalfRows lines(io, height, width, kernels);
    std::vector<std::int16_t> largest(static_cast<std::size_t>(columns_) * kCell);
    for (std::ptrdiff_t job = next(); job < jobs; job = next()) {
      const int first = static_cast<int>(job) * kAtOnce, last = std::min(first + kAtOnce, rows_);
      lines.read(first * kCell - 1);
      lines.read(first * kCell);
      for (int cell_row = first; cell_row < last; ++cell_row) {
        std::fill(largest.begin(), largest.end(), std::int16_t{0});
        for (int row = cell_row * kCell; row < std::min((cell_row + 1) * kCell, height); ++row) {
          lines.read(row + 1);
          kernels.curvature(lines.at(row - 1), lines.at(row), lines.at(row + 1), width, largest.data());
        }
        std::uint8_t* const to = busy_.data() + std::ptrdiff_t{cell_row} * columns_;
        for (int k = 0; k < columns_; ++k)
          to[k] = *std::max_element(largest.begin() + k * kCell, largest.begin() + (k + 1) * kCell) > threshold;
      }
    }
  });
}

// A cell beside a busy one is computed too.
void FlatCells::widen() {
  std::vector<std::uint8_t> across(busy_.size());
  for (int row = 0; row < rows_; ++row) {
    const std::uint8_t* from = this->row(row);
    std::uint8_t* to = across.data() + std::ptrdiff_t{row} * columns_;
    for (int k = 0; k < columns_; ++k) to[k] = from[k] | from[std::max(k - 1, 0)] | from[std::min(k + 1, columns_ - 1)];
  }
  for (int row = 0; row < rows_; ++row) {
    const auto near = [&](int r) { return across.data() + std::ptrdiff_t{std::clamp(r, 0, rows_ - 1)} * columns_; };
    const std::uint8_t *above = near(row - 1), *here = near(row), *below = near(row + 1);
    std::uint8_t* to = busy_.data() + std::ptrdiff_t{row} * columns_;
    for (int k = 0; k < columns_; ++k) to[k] = above[k] | here[k] | below[k];
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
