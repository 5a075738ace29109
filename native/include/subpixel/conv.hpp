// Convolution and its sub-pixel form, which includes transposed convolution.
#pragma once

#include <cstddef>
#include <string>

namespace subpixel {

// x is n images (groups * in_channels, height, width), or with channels_last (height, width, channels), surrounded by
// zeros. The convolution computes groups * out_channels channels at as many positions as the result needs; then rh * rw
// channels become one, as in Shuffle. y is the part of (rows, columns) that begins at (crop_top, crop_left).
struct SubpixelConv {
  const float* x;
  std::ptrdiff_t n, height, width;
  int groups, in_channels, out_channels;  // per group
  const float* weight;                    // (groups * out_channels, in_channels, kernel_h, kernel_w)
  const float* bias;                      // one per row of weight, or null
  int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  std::ptrdiff_t top, left;  // zeros before the first sample that the first position covers
  int rh, rw;
  int full_h, full_w;  // later phases skip the first tap: not even an infinite sample counts there
  bool crd, channels_last;
  float* y;
  std::ptrdiff_t crop_top, crop_left, rows, columns;
};

// The largest reach of a window and the largest stride: a tile must hold that much of a row.
inline constexpr int kMaxConvReach = 4096, kMaxConvStride = 64;

// Sums in f32. A sample is summed in the same order wherever it lies, so threads and tiles do not change the result.
// Throws std::invalid_argument for a target that is unknown or does not run here.
void subpixel_conv(const SubpixelConv& s, int threads, const std::string& target);

}  // namespace subpixel
