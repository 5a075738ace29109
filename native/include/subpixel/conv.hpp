// Convolution and its sub-pixel form, which transposed convolution is too.
#pragma once

#include <cstddef>
#include <string>

namespace subpixel {

// x is n pictures (groups * in_channels, height, width), or with channels_last (height, width, channels). They are
// convolved to groups * out_channels channels, of as many positions as the result needs, zeros lying all around; then
// rh * rw of them become one, as in Shuffle. y is the (rows, columns) of that which begin at (crop_top, crop_left).
struct SubpixelConv {
  const float* x;
  std::ptrdiff_t n, height, width;
  int groups, in_channels, out_channels;  // channels of one group
  const float* weight;                    // (groups * out_channels, in_channels, kernel_h, kernel_w)
  const float* bias;                      // one for each row of weight, or null
  int kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
  std::ptrdiff_t top, left;  // zeros before the first sample that the first position sees
  int rh, rw;
  int full_h, full_w;  // phases from these on have no first tap: not even an infinite sample counts there
  bool crd, channels_last;
  float* y;
  std::ptrdiff_t crop_top, crop_left, rows, columns;
};

// What one tile must hold of a row: a window's reach, and strides, up to these.
inline constexpr int kMaxConvReach = 4096, kMaxConvStride = 64;

// Sums in f32, a sample's in the same order wherever it lies: threads and tiles change no byte. Throws
// std::invalid_argument for a target that is unknown or does not run here.
void subpixel_conv(const SubpixelConv& s, int threads, const std::string& target);

}  // namespace subpixel
