// RowSums sums of rows and turning rows into columns: what a resize asks of each instruction set.
#pragma once

#include <cstddef>
#include <string>

namespace subpixel {

enum class Kind { u8, u16, i16, i32, f32, f64 };

constexpr int size_of(Kind kind) {
  return kind == Kind::u8 ? 1 : kind == Kind::f64 ? 8 : kind == Kind::i32 || kind == Kind::f32 ? 4 : 2;
}

// What happens to a sum before it is stored. Whole numbers in f64 are clipped to 0 … high and rounded, halves up or to
// even; those in fixed point are shifted, rounded half up and clipped to a byte.
struct Finish {
  double high;
  bool even;
  double outside;  // the value where an output sample lies outside
  int shift;
};

// outputs × count samples: to[k * to_step + j] = Σ_t weight[k, t] · from[(index[k, t] - origin) * step + j], summed
// in the order of the taps. Steps are counted in samples.
struct RowSums {
  const void* from;
  std::ptrdiff_t step, origin;
  void* to;
  std::ptrdiff_t to_step;
  const int* index;
  // f32 or f64 as the sums are; whole numbers for i32. u8 and i16 have two taps in one number, the first in its lower
  // half: 15 bits of each in `weight` and the rest in `high`, or all in `weight` and null in `high`.
  const void *weight, *high;
  int taps;
  const unsigned char* outside;  // for each output, or null
  const unsigned char* run_length;    // for each output, how many from it on have the same indices; at most kMaxRun
  int outputs;
  std::ptrdiff_t count;
  Finish finish;
};

inline constexpr int kMaxRun = 4;

using SumRows = void(const RowSums&);
// `count` samples of another kind as f64.
using Widen = void(const void* from, void* to, std::ptrdiff_t count);
// Between `rows` rows of `count` samples and their transpose, whose rows are `lanes` samples long; `lanes`, a multiple
// of kLaneStep, is at least `rows`. What is beyond `rows` repeats the last row.
using TransposeIn = void(const void* const* rows, int row_count, std::ptrdiff_t count, void* transposed, int lanes);
using TransposeOut = void(const void* transposed, int lanes, void* const* rows, int row_count, std::ptrdiff_t count);

inline constexpr int kLaneStep = 16;

// Bytes summed across rows, up to 4 taps: the samples of 4 neighbouring results lie within 16 bytes from `start` on, of
// which `table` picks 4 for each. A weight is 32 * high + low. Vectors are written whole: groups are a multiple of 4.
inline constexpr int kWindow = 4;
struct WindowSums {
  const void* const* from;
  void* const* to;
  int rows, groups;
  const int* start;  // for each group
  const unsigned char *table, *low, *high;  // (groups, 16)
  int shift;  // of results of 16 bits
};
using SumWindows = void(const WindowSums&);

struct ResampleKernels {
  SumRows *f32, *f64, *f64_f32, *f64_u8, *f64_u16;  // in f32 or f64, stored as what is named last
  SumRows *u8, *u8_i32, *u8_i16, *i32_u8, *i16_u8;  // in fixed point
  Widen *u8_f64, *u16_f64, *f32_f64;
  TransposeIn* transpose_in[4];  // for samples of 1, 2, 4 and 8 bytes
  TransposeOut* transpose_out[4];
  SumWindows *windows_i32 = nullptr, *windows_i16 = nullptr;  // null where bytes cannot be picked
};

}  // namespace subpixel
