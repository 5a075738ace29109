// Flat cells: the parts of an image that a chain does not compute, because a plain resize shows the same.
//
// src/subpixel/models/flat.py defines them: cells of 8 x 8 samples in which second differences are small. There the cubic
// resize takes the place of the last layer's result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace subpixel {

inline constexpr int kCell = 8, kQuarter = 4;

// The samples to each side that the plain resize reads.
inline constexpr int kPlainReach = 2;

// The weights of the samples -2, -1, +1 and +2 from the nearest one, for each position in it; in integers with 15 bits
// after the point.
struct PlainTaps {
  std::vector<std::int16_t> integer;  // [position][4]
  std::vector<float> real;
};

// The kernel table for flat cells: plain loops, whose integers are the same on every target. Compiled without
// contraction of products and sums.
struct FlatKernels {
  // Samples as halves of a code, 0 … 510. From floats of 0 … 1: rounded half up and clipped; NaN gives 0.
  void (*halves)(const float* x, int n, std::int16_t* to);
  void (*halves_u8)(const std::uint8_t* x, int n, std::int16_t* to);
  // The bend at sample k of `here`, the largest second difference of all four directions: largest[k] becomes at least
  // that, and it is added to total[k]. One sample before and one after each row are read.
  void (*bends)(const std::int16_t* above, const std::int16_t* here, const std::int16_t* below, int n,
                std::int16_t* largest, std::int16_t* total);
  // Whether one of four numbers, and whether the sum of eight, exceeds a limit: 1 or 0 for each of n groups.
  void (*any_of_four)(const std::int16_t* x, int n, int limit, std::uint8_t* to);
  void (*sum_of_eight)(const std::int16_t* x, int n, int limit, std::uint8_t* to);
  // The plain resize, see models/flat.py. rows: five rows; down and v: the weighted differences of the middle row, and
  // the row at this position between rows.
  void (*down_s16)(const std::int16_t* const* rows, const std::int16_t* taps, int n, std::int16_t* down,
                   std::int16_t* v);
  void (*down_f32)(const float* const* rows, const float* taps, int n, float* down, float* v);
  // z: what takes the place of the last layer's result; two samples before and after v are read. here: the middle row,
  // if the chain adds no base, or null.
  void (*across_s16)(const std::int16_t* down, const std::int16_t* v, const std::int16_t* taps,
                     const std::int16_t* here, int n, std::int16_t* z);
  void (*across_f32)(const float* down, const float* v, const float* taps, const float* here, int n, float* z);
};

// The threads that are worth waking to look at this many samples once.
inline int threads_for(std::ptrdiff_t samples, int threads) {
  constexpr std::ptrdiff_t each = 1 << 18;
  return samples / each < threads ? static_cast<int>(samples / each) + 1 : threads;
}

// Columns first … last of a row.
struct Span {
  int first, last;
};

}  // namespace subpixel
