// Runs a network on f32 planes. The image is cut into tiles small enough for the second-level cache. Each tile goes
// through all layers with the halo it needs, and threads take tiles until none is left.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "subpixel/conv_kernels.hpp"

namespace subpixel {

// `lost`: the samples, at its own resolution, that a value lacks on each side of the tile with its halo.
struct ValueShape {
  int channels, scale, lost;
};

struct ConvStep {
  int source, kernel_h, kernel_w;
  Activation activation;
  std::vector<float> weight, bias, slope;  // in the kernels' order
};
struct AddStep {
  std::vector<int> sources;
};
struct ConcatStep {
  std::vector<int> sources;
};
struct ResizeStep {
  int source, factor, taps;
  std::vector<int> offset;    // (factor, taps): input sample relative to the one under the output sample
  std::vector<float> weight;  // (factor, taps)
};
struct ShuffleStep {
  int source, factor;
  bool crd;
};
using Step = std::variant<ConvStep, AddStep, ConcatStep, ResizeStep, ShuffleStep>;

struct Tile;

class Session {
 public:
  // Value 0 is the input; step k computes value k + 1.
  Session(int channels, int scale, int halo, bool zero_border, int threads, const std::string& target);
  ~Session();

  void add_conv(ValueShape shape, int source, int kernel_h, int kernel_w, const float* weight, const float* bias,
                Activation activation, const float* slope);
  void add_step(ValueShape shape, Step step);

  // x: (channels, height, width); y: (channels, height * scale, width * scale). May be called from many threads at
  // once.
  void run(const float* x, int height, int width, float* y) const;

  const char* target() const { return target_; }
  // The target whose kernels run. Some targets improve one precision only and inherit the others.
  const char* kernels() const { return kernels_.name; }
  int channels() const { return values_[0].channels; }
  int scale() const { return scale_; }

 private:
  void run_tile(Tile& tile) const;
  void load_input(Tile& tile) const;
  void conv(Tile& tile, const ConvStep& step, int value) const;
  void add(Tile& tile, const AddStep& step, int value) const;
  void concat(Tile& tile, const ConcatStep& step, int value) const;
  void resize(Tile& tile, const ResizeStep& step, int value) const;
  void shuffle(Tile& tile, const ShuffleStep& step, int value) const;
  void zero_outside(Tile& tile, int value) const;
  void store_result(Tile& tile) const;
  void tile_size(int& rows, int& columns) const;

  int scale_, halo_, threads_;
  bool zero_border_;
  const ConvKernels& kernels_;
  const char* target_;
  std::vector<ValueShape> values_;
  std::vector<Step> steps_;
};

}  // namespace subpixel
