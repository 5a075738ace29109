// Resizes one axis of an array or two neighbouring ones, by tables of taps.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "subpixel/resample.hpp"

namespace subpixel {

// The tables of WindowSums for an axis of pixels with some number of channels.
struct WindowTable {
  std::vector<int> start;
  std::vector<unsigned char> table, low, high;
};

// One axis: output sample i is the sum of `taps` input samples with indices and weights (n_out, taps). The weights have
// the kind of the sums: f32, f64, or integers (i32) for fixed point.
class ResizeAxis {
 public:
  // Throws std::invalid_argument for an index outside the axis.
  ResizeAxis(int n_in, int n_out, int taps, const int* index);
  void set_weights(const float* weight);
  void set_weights(const double* weight);
  void set_weights(const int* weight);  // each below 2^30
  void set_outside(const unsigned char* outside);

  int n_in() const { return n_in_; }
  int n_out() const { return n_out_; }
  Kind sums() const { return sums_; }
  // Whether all weights are below 2^15.
  bool short_weights() const { return short_; }
  int taps() const { return taps_; }
  const int* index(int output) const { return index_.data() + std::ptrdiff_t{output} * taps_; }
  // The first and the last input sample that these outputs need.
  void reach(int first, int outputs, int& low, int& high) const;
  // The largest distance between the samples that one output needs.
  int span() const { return span_; }
  // Fills in the tables of these outputs for the kernels; from: the kind of the samples.
  void describe(Kind from, int first, int outputs, RowSums& w) const;
  // Built when first needed. Null if the taps or weights do not fit. Any thread may call this.
  std::shared_ptr<const WindowTable> window_table(int channels) const;

 private:
  struct WindowCache;
  std::shared_ptr<const WindowTable> make_window_table(int channels) const;
  void pad_to_even_taps();

  int n_in_, n_out_, taps_, span_ = 1;
  Kind sums_ = Kind::i32;
  bool short_ = true;
  std::vector<int> index_, i32_, low_, high_;
  std::vector<float> f32_;
  std::vector<double> f64_;
  std::vector<unsigned char> outside_, run_length_;
  std::shared_ptr<WindowCache> cache_;
};

// Resizes one axis of an array, from samples of one kind to those of another.
struct ResizePass {
  const ResizeAxis* axis;
  Kind from, to;
  Finish finish;
};

// The input is (outer, height, width, channels); its rows and columns are resized.
struct ResizeShape {
  std::ptrdiff_t outer;
  int height, width, channels;
};

// Whether there are kernels for a pass.
bool can_resize(const ResizePass& pass);

// `rows` or `columns` may be null. If both are given, the first pass's result is the second's input. Neither the number
// of threads nor the target changes the result. Throws std::invalid_argument for a target that does not run here.
void resize(const ResizeShape& shape, const ResizePass* rows, const ResizePass* columns, bool rows_first,
            const void* x, void* y, int threads, const std::string& target);

// The same with one tap, whose sample is copied; `item`: bytes of a sample.
void resize_nearest(const ResizeShape& shape, int item, const ResizeAxis* rows, const ResizeAxis* columns,
                    const void* x, void* y, int threads);

// The number of threads worth starting for this many bytes.
int worthwhile_threads(std::ptrdiff_t bytes, int threads);

}  // namespace subpixel
