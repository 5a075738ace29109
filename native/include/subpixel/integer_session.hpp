// Runs a chain of quantised convolutions, row after row: each value keeps only as many rows as the next kernel is
// high, so that nothing but the picture and its result is ever whole in memory. Threads take bands of rows; a wide
// picture is cut into strips whose rows stay in the second-level cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "subpixel/integer.hpp"

namespace subpixel {

struct IntegerLayer {
  int in_channels, out_channels, kernel_h, kernel_w;
  Activation activation;
  int zero;                            // of the result
  std::vector<std::int8_t> weight;     // (out, in, kernel_h, kernel_w)
  std::vector<std::int32_t> bias;      // the zero of the source already subtracted
  std::vector<std::int32_t> shift;     // 0 … 31
  std::vector<std::int16_t> multiplier, slope;
  bool last;                           // its z are the result
};

class IntegerSession {
 public:
  // base: the input, each sample repeated r * r times, is added to the result.
  IntegerSession(int channels, int scale, bool crd, bool base, bool zero_border, int threads, const std::string& target);

  void add(const IntegerLayer& layer);

  // x: (channels, height, width); y: (channels, height * scale, width * scale). Callable from many threads.
  // Floats are bytes / 255; they are rounded half up for the network, the base stays as it is.
  void run(const float* x, int height, int width, float* y) const;
  void run(const std::uint8_t* x, int height, int width, std::uint8_t* y) const;

  const char* target() const { return kernels_.name; }
  int channels() const { return channels_; }
  int scale() const { return scale_; }
  int layers() const { return static_cast<int>(layers_.size()); }

 private:
  struct Packed {
    int channels, kernel_h, kernel_w;  // channels: of the result, whole blocks
    int reach_h, reach_w;              // samples that all later layers reach beyond this layer's result
    int rows, row_step, groups;        // kernel rows as cells see them, and how far apart
    Activation activation;
    int zero;
    std::vector<Cell> weight;
    std::vector<std::int32_t> bias, shift;
    std::vector<std::int16_t> multiplier, slope;
  };
  struct Strip;

  template <class Sample>
  void run_any(const Sample* x, int height, int width, Sample* y) const;
  template <class Sample>
  void run_strip(Strip& s, const Sample* x, Sample* y) const;
  template <class Sample>
  void load_row(Strip& s, const Sample* x, int row) const;
  void conv_row(Strip& s, int layer, int row) const;
  template <class Sample>
  void merge_row(Strip& s, const Sample* x, Sample* y, int row) const;
  void blank_outside(Strip& s, int layer, int row) const;
  int strip_columns(int width) const;

  bool packs_rows() const { return channels_ == 1; }

  int channels_, scale_, threads_;
  bool crd_, base_, zero_border_;
  const KernelsInt& kernels_;
  std::vector<Packed> layers_;
  int reach_h_ = 0, reach_w_ = 0;  // of the whole chain
};

}  // namespace subpixel
