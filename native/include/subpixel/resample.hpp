// The kernel table of resizing: weighted sums of rows, and transposing rows to columns.
#pragma once

#include <cstddef>
#include <string>

namespace subpixel {

enum class Kind { u8, u16, i16, i32, f32, f64 };

constexpr int size_of(Kind kind) {
  return kind == Kind::u8 ? 1 : kind == Kind::f64 ? 8 : kind == Kind::i32 || kind == Kind::f32 ? 4 : 2;
}

// How a sum is stored. A sum of floats that becomes an integer is clipped to 0 … high and rounded, halves up or to even.
// A fixed-point sum is shifted, rounded half up and clipped to a byte.
struct Finish {
  double high;
  bool even;
  double outside;  // the value of output samples that lie outside
  int shift;
};

// outputs × count samples: to[k * to_step + j] = Σ_t weight[k, t] · from[(index[k, t] - origin) * step + j], summed in
// the order of the taps. Steps are counted in samples.
struct RowSums {
  const void* from;
  std::ptrdiff_t step, origin;
  void* to;
  std::ptrdiff_t to_step;
  const int* index;
  // f32 or f64 like the sums; for i32, integers. For u8 and i16 each number holds two taps, the first in its lower
  // half: either 15 bits of each in `weight` and the rest in `high`, or all bits in `weight` and null in `high`.
  const void *weight, *high;
  int taps;
  const unsigned char* outside;  // per output, or null
  const unsigned char* run_length;    // per output: outputs from it on with the same indices, at most kMaxRun
  int outputs;
  std::ptrdiff_t count;
  Finish finish;
};

inline constexpr int kMaxRun = 4;

using SumRows = void(const RowSums&);
// Converts `count` samples of another kind to f32 or f64.
using Widen = void(const void* from, void* to, std::ptrdiff_t count);
// Transposes `rows` rows of `count` samples, or back. The transpose has rows of `lanes` samples; `lanes` is a multiple
// of kLaneStep and at least `rows`. Lanes beyond `rows` repeat the last row.
using TransposeIn = void(const void* const* rows, int row_count, std::ptrdiff_t count, void* transposed, int lanes);
using TransposeOut = void(const void* transposed, int lanes, void* const* rows, int row_count, std::ptrdiff_t count);

inline constexpr int kLaneStep = 16;

// Sums of bytes along rows, up to 4 taps. The samples of 4 neighbouring results lie within 16 bytes from `start` on;
// `table` selects 4 of them for each result. A weight is 32 * high + low. Whole vectors are written: groups are a
// multiple of 4.
inline constexpr int kWindow = 4;
struct WindowSums {
  const void* const* from;
  void* const* to;
  int rows, groups;
  const int* start;  // per group
  const unsigned char *table, *low, *high;  // (groups, 16)
  int shift;  // for 16-bit results
};
using SumWindows = void(const WindowSums&);

struct ResampleKernels {
  SumRows *f32, *f32_u8, *f32_u16;  // sums in f32; the last part of a name is the stored kind
  SumRows *f64, *f64_f32, *f64_u8, *f64_u16;
  SumRows *u8, *u8_i32, *u8_i16, *i32_u8, *i16_u8;  // sums in fixed point
  Widen *u8_f32, *u16_f32, *u8_f64, *u16_f64, *f32_f64;
  TransposeIn* transpose_in[4];  // for samples of 1, 2, 4 and 8 bytes
  TransposeOut* transpose_out[4];
  SumWindows *windows_i32 = nullptr, *windows_i16 = nullptr;  // null if the target cannot select bytes
};

}  // namespace subpixel
