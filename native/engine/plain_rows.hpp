// The rows that the plain resize of flat cells reads, and its result in place of the last layer's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "subpixel/flat.hpp"

namespace subpixel {

// Samples: halves of a code, or floats.
template <class Sample>
class PlainRows {
 public:
  // For columns left … left + columns; `rows` rows are kept.
  void begin(int left, int columns, int rows) {
    left_ = left;
    columns_ = columns;
    count_ = rows;
    stride_ = columns + 2 * kPlainReach;
    samples_.resize(static_cast<std::size_t>(rows * stride_ + 2 * kStep));
    down_.resize(static_cast<std::size_t>(stride_ + 2 * kStep));
    v_.resize(static_cast<std::size_t>(stride_ + 2 * kStep));
    z_.resize(static_cast<std::size_t>(stride_ + 2 * kStep));
  }

  // The place of column left - kPlainReach of a row, which is overwritten.
  Sample* row(int row) { return samples_.data() + row % count_ * stride_; }
  // Repeats the edges of a row whose columns first … last are there, counted from its first.
  void repeat_edges(int row, int first, int last) {
    Sample* const line = this->row(row);
    std::fill(line, line + first, line[first]);
    std::fill(line + last, line + stride_, line[last - 1]);
  }
  std::ptrdiff_t stride() const { return stride_; }

  // Writes columns first … last of a row, counted from left. to(i, j): the last layer's row for position (i, j).
  template <class Down, class Across, class To>
  void write(int row, int height, Span span, int scale, const Sample* taps, bool base, const Down& down,
             const Across& across, const To& to) {
    const Sample* rows[2 * kPlainReach + 1];
    for (int k = -kPlainReach; k <= kPlainReach; ++k)
      rows[k + kPlainReach] = this->row(std::clamp(row + k, 0, height - 1)) + span.first;
    const int n = span.last - span.first, whole = (n + kStep - 1) / kStep * kStep;
    const Sample* here = base ? nullptr : rows[kPlainReach] + kPlainReach;
    for (int i = 0; i < scale; ++i) {
      down(rows, taps + 4 * i, whole + kStep, down_.data(), v_.data());
      for (int j = 0; j < scale; ++j) {
        across(down_.data() + kPlainReach, v_.data() + kPlainReach, taps + 4 * j, here, whole, z_.data());
        std::copy_n(z_.data(), n, to(i, j) + span.first);
      }
    }
  }

 private:
  // Rows are computed in whole steps, the vectors of any target, and copied: the rest of a vector would take longer.
  static constexpr int kStep = 32;

  int left_ = 0, columns_ = 0, count_ = 1;
  std::ptrdiff_t stride_ = 0;
  std::vector<Sample> samples_, down_, v_, z_;
};

}  // namespace subpixel
