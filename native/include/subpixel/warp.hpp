// Sampling a picture at places given one by one: grid_sample and warp.
#pragma once

#include <cstddef>
#include <string>

namespace subpixel {

enum class Sampling { nearest, bilinear, bicubic };
enum class Outside { zeros, border, reflection };
enum class Sample { u8, u16, f32 };

static constexpr int bytes_of(Sample sample) { return sample == Sample::u8 ? 1 : sample == Sample::u16 ? 2 : 4; }

// One picture sampled at (rows, columns) places: whole planes (channels, height, width), the result likewise, or
// with `channels_last` pixels (height, width, channels). Whole numbers are summed in f32, clipped and rounded half up.
//
// Without `flow` the places are x before y, from -1 to 1; with it they are in samples and counted from the output's
// own index. With `positions_last` they lie as (rows, columns, 2), else as (2, rows, columns).
struct Warp {
  const void* x;
  int channels, height, width;
  const float* positions;
  void* y;
  int rows, columns;
  Sample sample;
  bool channels_last, flow, positions_last, align_corners;
  Sampling sampling;
  Outside outside;
  double a;  // of the cubic
};

// One volume (channels, depth, height, width) of f32 at places (slices, rows, columns, 3), x before y before z, from
// -1 to 1. No cubic.
struct WarpVolume {
  const float* x;
  int channels, depth, height, width;
  const float* positions;
  float* y;
  int slices, rows, columns;
  bool align_corners;
  Sampling sampling;
  Outside outside;
};

// An affine map of a grid's places: `theta` is (count, dims, dims + 1), the last column the constant; `at` holds the
// places of each axis, the outermost first. The result is (count, *sides, dims), x first.
struct AffineGrid {
  const float* theta;
  int dims;  // 2 or 3
  int sides[3];
  const float* at[3];
  float* to;
};

// One line of it, its places on the outer axes given.
struct GridLine {
  int dims;
  const float* theta;
  float outer[2];
  const float* at;
  float* to;
  int columns;
};

// Sides up to this are whole numbers of f32; a plane of so many samples leaves room in an int for what lies around it.
inline constexpr int kMaxWarpSide = 1 << 24, kMaxWarpPlane = 1 << 30;

// `count` pictures, one after the other in memory, by so many threads. The result depends neither on their number
// nor on the target. Throws std::invalid_argument for a target that is unknown or does not run here.
void warp(const Warp& first, std::ptrdiff_t count, int threads, const std::string& target);
void warp_volumes(const WarpVolume& first, std::ptrdiff_t count, int threads, const std::string& target);

void affine_grid(const AffineGrid& grid, std::ptrdiff_t count, int threads, const std::string& target);

// Columns of a row that a target's kernel takes at a time; its tables then stay in the first-level cache.
inline constexpr int kWarpBlock = 128;

struct WarpKernels {
  void (*block)(const Warp&, int row, int column);  // the block of one row that begins at a column
  void (*volume_block)(const WarpVolume&, int slice, int row, int column);
  void (*grid_line)(const GridLine&);
};

}  // namespace subpixel
