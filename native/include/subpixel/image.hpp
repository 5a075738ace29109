// An image and a luma network: converts pixels to luma, and the result back to pixels. All else is bicubic.
//
// Colour is the bicubic colour plus the difference between the network's luma and the bicubic luma. All of it
// happens at the input's resolution: the r * r results of one input sample are r * r planes until they are written, so
// only a few rows are in memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "subpixel/pattern.hpp"

namespace subpixel {

// The kernel table for images. Each function works on rows of `n` samples; 0 … 1 stands for 0 … 255 or 65535. Plain
// loops with the same operations in the same order, so that every target gives the same bits.
struct ImageKernels {
  void (*split_u8)(const std::uint8_t* x, int n, int channels, float* const* planes);
  void (*split_u16)(const std::uint16_t* x, int n, int channels, float* const* planes);
  // BT.601 studio luma of R, G, B, or of gray if `g` is null
  void (*luma)(const float* r, const float* g, const float* b, int n, float* y);
  // out[k] = sum of weight[t] * rows[t][k], t < 4
  void (*weighted_sum)(const float* const* rows, const float* weight, int n, float* out);
  // Adds to R, G, B the difference between net and their luma; if `g` is null, x becomes the gray whose luma is net
  void (*correct_luma)(float* r, float* g, float* b, const float* net, int n);
  void (*store_u8)(const float* x, int n, std::uint8_t* to);
  void (*store_u16)(const float* x, int n, std::uint16_t* to);
  // Codes of video, see frame.hpp: x * unit + black; (x - black) * codes, rounded half up, 0 … most; weighted sums of
  // four rows of codes
  void (*from_codes_u8)(const std::uint8_t* x, int n, float unit, float black, float* to);
  void (*from_codes_u16)(const std::uint16_t* x, int n, float unit, float black, float* to);
  void (*to_codes_u8)(const float* x, int n, float black, float codes, int most, std::uint8_t* to);
  void (*to_codes_u16)(const float* x, int n, float black, float codes, int most, std::uint16_t* to);
  void (*weighted_sum_u8)(const std::uint8_t* const* rows, const float* weight, int n, float* out);
  void (*weighted_sum_u16)(const std::uint16_t* const* rows, const float* weight, int n, float* out);
};

// The four taps of one of the r positions between two samples: the offset of the first, and the weights.
struct Phase {
  int first;
  std::array<float, 4> weight;
};

// Opaque alpha is ignored and written as opaque.
enum class Alpha { none, opaque };

// An image: rows of pixels with the channels innermost.
template <class Pixel>
struct Pixels {
  const Pixel* x;  // (height, width, channels)
  int height, width, channels;
  Alpha alpha;  // the kind of the last channel of 2 or 4
  int colours() const { return alpha == Alpha::none ? channels : channels - 1; }
};

// Computes the luma of samples left … left + n of a row, for the network.
template <class Pixel>
class LumaRow {
 public:
  LumaRow(const Pixels<Pixel>& pixels, const ImageKernels& kernels) : pixels_(pixels), kernels_(kernels) {}
  const float* operator()(int row, int left, int n);

 private:
  Pixels<Pixel> pixels_;
  const ImageKernels& kernels_;
  std::unique_ptr<float[]> planes_;  // not initialised: it is made for each row
  int samples_ = 0;
};

// Computes the r rows of pixels that belong to one row of the input, for a strip of columns.
template <class Pixel>
class Composer {
 public:
  Composer(const Pixels<Pixel>& pixels, const std::vector<Phase>& phases, int left, int columns,
           const ImageKernels& kernels, const PermuteKernels& permuter);

  // net(i, j): the network's luma at position (i, j) of each sample of the row, or null for none; to: the result's first
  // pixel.
  void row(int row, const std::function<const float*(int i, int j)>& net, Pixel* to);

 private:
  const float* at(int plane, int row);
  void load(int row);
  void sum_columns(int j);
  void compose(const float* net);

  Pixels<Pixel> pixels_;
  std::vector<Phase> phases_;
  int left_, columns_, colours_;
  const ImageKernels& kernels_;
  PatternPlan plan_;
  std::ptrdiff_t stride_;
  std::vector<float> ring_;     // [row % kRing][plane][kMargin + column]
  std::vector<int> ring_rows_;       // the row in each slot of the ring, or -1
  std::vector<float> row_sums_;  // [plane][kMargin + column]: sums over rows
  std::vector<float> result_planes_;  // [plane][column]: sums over rows and columns
  std::vector<Pixel> result_;     // [position within a sample][channel][column]
};

// Composes the result of rows top … bottom of an image from the network's luma, ((bottom - top) * r, width * r). Without
// luma (null) every channel is interpolated.
template <class Pixel>
void compose(const Pixels<Pixel>& pixels, int top, int bottom, const float* luma, const std::vector<Phase>& phases,
             Pixel* y, int threads, const std::string& target);

// The luma of an image, (height, width) f32.
template <class Pixel>
void luma_plane(const Pixels<Pixel>& pixels, float* luma, int threads, const std::string& target);

}  // namespace subpixel
