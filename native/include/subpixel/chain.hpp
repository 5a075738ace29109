// Runs a chain of convolutions row after row: each value keeps only as many rows as the next kernel is high, so that
// nothing but the picture and its result is ever whole in memory. Threads take parts of rows; a wide picture is cut into
// strips whose rows stay in the second-level cache. What the numbers are, the sessions know that derive from this.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "subpixel/frame.hpp"
#include "subpixel/image.hpp"
#include "subpixel/cells.hpp"

namespace subpixel {

// What every chain is told: base: the input, each sample repeated scale * scale times, is added to the result; crd: the
// order of the last layer's channels; zero_border: each layer pads with zeros, else the input's edge is repeated.
struct ChainShape {
  int channels, scale;
  bool crd, base, zero_border;
};

inline constexpr int kMaxScale = 64;

inline int ceil_div(int a, int b) { return (a + b - 1) / b; }

// A weight of a layer of (out, in, kernel_h, kernel_w), 0 beyond what is there.
template <class Layer>
auto weight_at(const Layer& l, int o, int i, int ky, int kx) {
  using Weight = typename decltype(l.weight)::value_type;
  if (o >= l.out_channels || i >= l.in_channels || ky >= l.kernel_h) return Weight{};
  return l.weight[((static_cast<std::size_t>(o) * l.in_channels + i) * l.kernel_h + ky) * l.kernel_w + kx];
}

// Channels that blocks of weights are made of: `whole` at a time, but a last layer's stay single.
template <class Layer>
int padded_channels(const Layer& l, int whole) {
  return l.last ? l.out_channels : ceil_div(l.out_channels, whole) * whole;
}

// Vectors are loaded and stored fastest where they do not cross from one line of the cache to the next.
struct alignas(64) CacheLine {
  Cell cells[16];
};

// A row of what the last layer made, [channel][column] of its own samples.
struct LastLayerRow {
  const void* values;
  std::ptrdiff_t stride;
};

// What a strip's results are given to: row after row.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void write(int row, const LastLayerRow& last) = 0;
};

// Where a network's input comes from and its result goes; called from several threads at once.
class ChainIo {
 public:
  virtual ~ChainIo() = default;
  // Samples left … left + count of a row, as 0 … 1.
  virtual void fetch(int channel, int row, int left, int count, float* to) const = 0;
  virtual std::unique_ptr<RowSink> sink(int left, int columns) const = 0;
};

class ChainSession {
 public:
  virtual ~ChainSession() = default;

  // x: (channels, height, width) of 0 … 1; y: (channels, height * scale, width * scale). Callable from many threads.
  void run(const float* x, int height, int width, float* y) const;
  // A picture, by a network of one channel: its luma goes through, see picture.hpp.
  template <class Pixel>
  void run(const Pixels<Pixel>& pixels, const std::vector<Phase>& phases, Pixel* y) const;
  // A frame of video, by a network of one channel, see frame.hpp.
  template <class Code>
  void run(const Frame<Code>& frame) const;

  // r consecutive phases of one channel, from phase (i, 0) on, taken in turn as one row; first the base is added to each.
  virtual void interleave(const LastLayerRow& last, int channel, int i, int j, int r, const float* base, int n, float* to) const = 0;
  // The same for bytes, in whole numbers alone; false where a session's numbers are not whole.
  virtual bool interleave_bytes(const LastLayerRow&, int /*channel*/, int /*i*/, int /*j*/, int /*r*/, const std::uint8_t* /*base*/,
                           int /*n*/, std::uint8_t* /*to*/) const {
    return false;
  }

  const char* target() const { return target_; }
  // Whose kernels run: some targets add something for one precision only.
  virtual const char* kernels() const = 0;
  const ChainShape& shape() const { return shape_; }
  int layers() const { return static_cast<int>(layers_.size()); }

 protected:
  // group: samples in a cell; pieces: into how many of these a sample of the input is split, all with the same weight.
  ChainSession(const ChainShape& shape, int threads, const std::string& target, int group, int pieces = 1);

  // A layer's kernel as cells see it: those of a first layer of one channel hold neighbouring rows instead of channels.
  struct KernelShape {
    int rows, row_step, groups, pieces;
    bool vertical;
  };
  KernelShape kernel_shape(int kernel_h) const;
  // How a layer reads its input: row for row; rows that lie next to each other, see Packing; transformed, see winograd.hpp.
  enum class InputLayout { rows, contiguous, winograd };
  // channels: of the result; stored: these in whole blocks, as the kernels write them; skip: the layer whose result is
  // added to this one's, or -1; way: how its input is read.
  void add_layer(int kernel_h, int kernel_w, int channels, int stored, int skip, InputLayout layout);
  // A layer's weights in blocks of channels, as kernels want them. part(weight): its bits in a cell; stored: the channels of
  // all blocks.
  template <class Layer, class Kernels, class Part>
  std::vector<Cell> pack(const Layer& layer, const KernelShape& w, int whole, const Kernels& kernels, const Part& part,
                         int& stored) const {
    const int all = padded_channels(layer, whole), shift = 32 / group_;
    std::vector<Cell> weight;
    for (int from = 0, count; from < all; from += count) {
      count = kernels.block(all - from);
      std::vector<Cell> block;
      for (int r = 0; r < w.rows; ++r)
        for (int g = 0; g < w.groups; ++g)
          for (int kx = 0; kx < layer.kernel_w; ++kx)
            for (int o = from; o < from + count; ++o) {
              Cell cell = 0;
              for (int k = 0; k < group_; ++k)
                cell |= part(w.vertical ? weight_at(layer, o, 0, r * w.row_step + k / w.pieces, kx)
                                        : weight_at(layer, o, (g * group_ + k) / w.pieces, r, kx)) << (k * shift);
              block.push_back(cell);
            }
      add_block(weight, block, count, {w.rows, w.groups, layer.kernel_w}, kernels.packing);
      stored = from + count;
    }
    return weight;
  }
  static InputLayout layout_of(const Packing* packing, const Taps& taps) {
    return packing != nullptr && packing->contiguous(taps) ? InputLayout::contiguous : InputLayout::rows;
  }
  static std::vector<CacheLine> to_cache_lines(const std::vector<Cell>& cells);
  // The channel of the last layer that makes phase (i, j) of a channel.
  int phase(int channel, int i, int j) const;

  // Planes of bytes, by a session whose numbers are whole.
  void run_bytes(const std::uint8_t* x, int height, int width, std::uint8_t* y) const;

 private:
  struct Layer {
    int kernel_h, kernel_w, channels, stored, skip;
    InputLayout layout;
    KernelShape kernel_shape;
    int reach_h, reach_w;  // samples that all later layers reach beyond this layer's result
    int rows_needed;  // rows of the layer's input that are needed: its own kernel's, or as many as a later skip lies behind
    // Rows held; where they must lie together so many that copying the rows before them is seldom.
    int lead() const { return layout == InputLayout::contiguous ? kernel_h - 1 : 0; }
    int rows_held() const { return layout == InputLayout::contiguous && rows_needed < 2 * kernel_h ? 2 * kernel_h : rows_needed; }
  };
  struct Strip;

  // Adds a block of channels to a layer's weights, as the kernels want them.
  static void add_block(std::vector<Cell>& weight, const std::vector<Cell>& block, int channels, const Taps& taps,
                        const Packing* packing);

  virtual void conv(const RowConv& place, int layer) const = 0;
  // A row of the input of a layer that goes by Winograd's way, see winograd.hpp.
  virtual void transform(const Cell* from, std::ptrdiff_t stride, int groups, int tiles, Cell* to,
                         std::ptrdiff_t to_stride) const = 0;
  // One piece of samples of the input, each alone in a cell.
  virtual void encode(const float* x, int n, int piece, Cell* to) const = 0;
  // A cell of a layer's result that stands for zeros.
  virtual Cell zero(int layer) const = 0;

  void run_with(const ChainIo& io, int height, int width) const;
  void begin(Strip& s, const ChainIo& io, int row) const;
  void advance(Strip& s, const ChainIo& io, int until) const;
  void load_row(Strip& s, const ChainIo& io, int row) const;
  void load_line(Strip& s, const ChainIo& io, int channel, int row, Cell* to) const;
  void conv_row(Strip& s, int layer, int row) const;
  void zero_outside(Strip& s, int layer, int row) const;
  void transform_row(Strip& s, int layer, int row) const;
  int columns_of(const Strip& s, int layer) const;
  int strip_columns(int width) const;

  ChainShape shape_;
  int threads_, group_, pieces_;
  const char* target_;
  const ImageKernels& image_kernels_;
  const PermuteKernels& permuter_;
  std::vector<Layer> layers_;
  int reach_h_ = 0, reach_w_ = 0;  // of the whole chain

  template <class Sample>
  friend class PlanesIo;
  template <class Pixel>
  friend class ImageIo;
  template <class Code>
  friend class FrameIo;
};

}  // namespace subpixel
