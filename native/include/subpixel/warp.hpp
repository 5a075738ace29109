// Samples an image at given positions: grid_sample and warp.
#pragma once

#include <cstddef>
#include <string>

namespace subpixel {

enum class Sampling { nearest, bilinear, bicubic };
enum class Outside { zeros, border, reflection };
enum class Sample { u8, u16, f32 };

static constexpr int bytes_of(Sample sample) { return sample == Sample::u8 ? 1 : sample == Sample::u16 ? 2 : 4; }

// One image, sampled at (rows, columns) positions. Image and result are planes (channels, height, width) or, with
// `channels_last`, pixels (height, width, channels). Integers are summed in f32, clipped and rounded half up.
//
// Without `flow` positions are x before y, from -1 to 1. With it they are in samples, relative to the output's own
// index. With `positions_last` they are (rows, columns, 2), otherwise (2, rows, columns).
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
  double a;  // the cubic's parameter
  int first_row = 0, first_column = 0;  // of the flow's first sample, if it is a part of a larger one
};

// One f32 volume (channels, depth, height, width), sampled at positions (slices, rows, columns, 3): x before y before
// z, from -1 to 1. Cubic sampling is not supported.
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

// An affine map of a grid's positions. `theta` is (count, dims, dims + 1), the constant in the last column; `at` holds
// the positions of each axis, the outermost first. The result is (count, *sides, dims), x first.
struct AffineGrid {
  const float* theta;
  int dims;  // 2 or 3
  int sides[3];
  const float* at[3];
  float* to;
};

// One line of the grid, at given positions on the outer axes.
struct GridLine {
  int dims;
  const float* theta;
  float outer[2];
  const float* at;
  float* to;
  int columns;
};

// An f32 holds every integer up to this side. In a plane of this many samples an int also holds the offsets around it.
inline constexpr int kMaxWarpSide = 1 << 24, kMaxWarpPlane = 1 << 30;

// Processes `count` images that follow each other in memory. The result depends neither on the number of threads nor on
// the target. Throws std::invalid_argument for a target that is unknown or does not run here.
void warp(const Warp& first, std::ptrdiff_t count, int threads, const std::string& target);
void warp_volumes(const WarpVolume& first, std::ptrdiff_t count, int threads, const std::string& target);

void affine_grid(const AffineGrid& grid, std::ptrdiff_t count, int threads, const std::string& target);

// The columns of a row that a kernel takes at a time, so that its tables stay in the first-level cache.
inline constexpr int kWarpBlock = 128;

struct WarpKernels {
  void (*block)(const Warp&, int row, int column);  // one row, from this column on
  void (*volume_block)(const WarpVolume&, int slice, int row, int column);
  void (*grid_line)(const GridLine&);
};

}  // namespace subpixel
