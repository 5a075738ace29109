// Runs a network on f32 planes: any graph of layers, of one or several inputs. The image is cut into tiles, which go
// through all layers with the surroundings that each layer needs, and threads take tiles until none is left.
//
// Lengths are counted in units: a unit is the smallest square of the image in which every value has whole samples. That
// is one sample of the image, or without rounding what the strides of the network skip.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "subpixel/conv_kernels.hpp"
#include "subpixel/warp.hpp"

namespace subpixel {

// The channels of a value, and its samples in a unit, along each axis.
struct ValueShape {
  int channels, scale;
};

struct ConvStep {
  int source, kernel_h, kernel_w, stride;
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
// Samples an input at displacements of `reach` times the flow, which is clipped to -1 … 1: bilinear, the edge
// repeated. The source is an input, and so whole in memory: a displacement may lead out of any tile.
struct WarpStep {
  int source, flow;
  float reach;
};
using Step = std::variant<ConvStep, AddStep, ConcatStep, ResizeStep, ShuffleStep, WarpStep>;

// The sources of a step that a tile needs, with the samples that it needs beyond each of its own sides if its result
// has `margin` of them. That leaves out the source of a warp.
struct Need {
  int source;
  std::ptrdiff_t margin;
};
std::vector<Need> needs_of(const Step& step, std::ptrdiff_t margin);

// Far beyond any network of this field, and so small that no sum of coordinates leaves an int.
inline constexpr int kMaxMargin = 1 << 20;

struct Tile;

class Session {
 public:
  Session(bool zero_border, int threads, const std::string& target);
  ~Session();

  // The network: inputs first, then steps, then the outputs among their results. Values are numbered in this order.
  void add_input(ValueShape shape);
  void add_conv(ValueShape shape, int source, int kernel_h, int kernel_w, int stride, const float* weight,
                const float* bias, Activation activation, const float* slope);
  void add_step(ValueShape shape, Step step);
  // Throws std::invalid_argument if a value would be needed further than kMaxMargin beyond a tile.
  void add_output(int value);

  // Height and width are counted in units. x: for each input (channels, height * scale, width * scale); y: the same for
  // each output. May be called from many threads at once.
  void run(const float* const* x, int height, int width, float* const* y) const;

  const char* target() const { return target_; }
  // The target whose kernels run. Some targets improve one precision only and inherit the others.
  const char* kernels() const { return kernels_.name; }

 private:
  struct TileSize {
    int rows, columns;  // units
  };
  // Where a value lies during a tile: how far it reaches beyond the tile, how many zeros it has at most around the image
  // with a zero border, and the buffer that it shares with values that are not needed at the same time. Values that no
  // output depends on, and inputs that are only warped, have none.
  struct Place {
    int margin = 0, ring = 0, buffer = -1, last_use = -1;
  };

  struct Range {
    int top, bottom, left, right;
  };

  void place_values();
  TileSize choose_tile(int height, int width) const;
  double tile_bytes(TileSize size, TileSize image) const;
  double tile_cost(TileSize size, TileSize image, double bytes) const;
  std::ptrdiff_t side(int value, int units, int all) const;
  int first_sample(int value, int start) const;
  int end_sample(int value, int end, int all) const;

  void run_tile(Tile& tile) const;
  void load_input(Tile& tile, int value) const;
  void compute(Tile& tile, int value) const;
  void conv(Tile& tile, const ConvStep& step, int value) const;
  void add(Tile& tile, const AddStep& step, int value) const;
  void concat(Tile& tile, const ConcatStep& step, int value) const;
  void resize(Tile& tile, const ResizeStep& step, int value) const;
  void shuffle(Tile& tile, const ShuffleStep& step, int value) const;
  void warp(Tile& tile, const WarpStep& step, int value) const;
  void zero_outside(Tile& tile, int value) const;
  Range inside(const Tile& tile, int value) const;
  Range computed(const Tile& tile, int value) const;
  void store_result(Tile& tile, int value, float* y) const;

  int inputs_ = 0, threads_, buffers_ = 0;
  bool zero_border_;
  const ConvKernels& kernels_;
  const WarpKernels& warps_;
  const char* target_;
  std::vector<ValueShape> values_;
  std::vector<Step> steps_;
  std::vector<int> outputs_;
  std::vector<Place> places_;
};

}  // namespace subpixel
