// Runs a chain of quantised convolutions, row after row: each value keeps only as many rows as the next kernel is
// high, so that nothing but the picture and its result is ever whole in memory. Threads take bands of rows; a wide
// picture is cut into strips whose rows stay in the second-level cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "subpixel/integer.hpp"
#include "subpixel/picture.hpp"

namespace subpixel {

struct IntegerLayer {
  int in_channels, out_channels, kernel_h, kernel_w;
  Activation activation;
  int zero;                            // of the result
  std::vector<std::int8_t> weight;     // (out, in, kernel_h, kernel_w)
  std::vector<std::int32_t> bias;      // the zero of the source already subtracted
  std::vector<std::int32_t> shift;     // 0 … 31
  std::vector<std::int16_t> multiplier, slope;
  bool last = false;                   // its z are the result
  int skip = -1;                       // the layer whose result is added to this one's
  std::int16_t skip_gain = 0;
};

// What a strip's results are given to: row after row.
class Rows {
 public:
  virtual ~Rows() = default;
  // last: z of [channel][column] of one row of the input
  virtual void merge(int row, const std::int16_t* last, std::ptrdiff_t stride) = 0;
};

// Where the network's input comes from and its result goes; called from several threads at once.
class Feed {
 public:
  virtual ~Feed() = default;
  // Samples left … left + count of a row as bytes.
  virtual void fetch(int channel, int row, int left, int count, std::uint8_t* to) const = 0;
  virtual std::unique_ptr<Rows> rows(int left, int columns) const = 0;
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
  // A picture, by a network of one channel: its luma goes through, see picture.hpp.
  template <class Pixel>
  void run(const Pixels<Pixel>& pixels, const std::vector<Phase>& phases, Pixel* y) const;

  const char* target() const { return target_; }
  // Whose kernels run: some targets add something for one precision only.
  const char* kernels() const { return kernels_.name; }
  int channels() const { return channels_; }
  int scale() const { return scale_; }
  int layers() const { return static_cast<int>(layers_.size()); }

 private:
  struct Packed {
    int channels, kernel_h, kernel_w;  // channels: of the result, whole blocks
    int reach_h, reach_w;              // samples that all later layers reach beyond this layer's result
    int rows, row_step, groups;        // kernel rows as cells see them, and how far apart
    Activation activation;
    int zero, skip;
    std::int16_t skip_gain;
    int kept;  // rows of the layer's input that are held: its own kernel's, or as many as a later skip lies behind
    std::vector<Cell> weight;
    std::vector<std::int32_t> bias, shift;
    std::vector<std::int16_t> multiplier, slope;
  };
  struct Strip;

  template <class Sample>
  class Planes;
  template <class Pixel>
  class Picture;

  void run_feed(const Feed& feed, int height, int width) const;
  void run_strip(Strip& s, const Feed& feed) const;
  void load_row(Strip& s, const Feed& feed, int row) const;
  void conv_row(Strip& s, int layer, int row) const;
  void blank_outside(Strip& s, int layer, int row) const;
  int channel(int c, int i, int j) const { return crd_ ? (c * scale_ + i) * scale_ + j : (i * scale_ + j) * channels_ + c; }
  int strip_columns(int width) const;

  bool packs_rows() const { return channels_ == 1; }

  int channels_, scale_, threads_;
  bool crd_, base_, zero_border_;
  const KernelsInt& kernels_;
  const char* target_;
  const PictureKernels& picture_kernels_;
  const Permuter& permuter_;
  std::vector<Packed> layers_;
  int reach_h_ = 0, reach_w_ = 0;  // of the whole chain
};

}  // namespace subpixel
