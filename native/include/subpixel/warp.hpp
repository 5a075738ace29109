// Sampling a picture at places given one by one: grid_sample and warp.
#pragma once

#include <cstddef>
#include <string>

namespace subpixel {

enum class Sampling { nearest, bilinear, bicubic };
enum class Outside { zeros, border, reflection };

// One picture (channels, height, width) of whole planes, sampled at (rows, columns) places, planes likewise.
// Without `flow` the places are (rows, columns, 2), x before y, from -1 to 1; with it they are (2, rows, columns), x
// before y, in samples and counted from the output's own index.
struct WarpF32 {
  const float* x;
  int channels, height, width;
  const float* places;
  float* y;
  int rows, columns;
  bool flow, align_corners;
  Sampling sampling;
  Outside outside;
  double a;  // of the cubic
};

// Sides up to this are whole numbers of f32; a plane of so many samples leaves room in an int for what lies around it.
inline constexpr int kMaxWarpSide = 1 << 24, kMaxWarpPlane = 1 << 30;

// `count` pictures, one after the other in memory, by so many threads. The result depends neither on their number
// nor on the target. Throws std::invalid_argument for a target that is unknown or does not run here.
void warp(const WarpF32& first, std::ptrdiff_t count, int threads, const std::string& target);

// Columns of a row that a target's kernel takes at a time; its tables then stay in the first-level cache.
inline constexpr int kWarpBlock = 128;

// The block of one row that begins at a column.
using WarpBlockF32 = void(const WarpF32&, int row, int column);
namespace scalar { WarpBlockF32 warp_block_f32; }
namespace avx2 { WarpBlockF32 warp_block_f32; }
namespace avx512 { WarpBlockF32 warp_block_f32; }

}  // namespace subpixel
