// Runs a chain of convolutions row by row. Each value keeps only as many rows as the next kernel needs, so that only
// the input and the output are ever whole in memory. Threads take ranges of rows. A wide image is cut into strips whose
// rows stay in the second-level cache. The number formats are known to the derived sessions only.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "subpixel/flat.hpp"
#include "subpixel/frame.hpp"
#include "subpixel/image.hpp"
#include "subpixel/cells.hpp"

namespace subpixel {

// What all chains have in common. base: the input, each sample repeated scale * scale times, is added to the result.
// crd: the order of the last layer's channels. zero_border: each layer pads with zeros; otherwise the input's edge is
// repeated.
struct ChainShape {
  int channels, scale;
  bool crd, base, zero_border;
};

inline constexpr int kMaxScale = 64;

inline int ceil_div(int a, int b) { return (a + b - 1) / b; }

// A weight of a layer of shape (out, in, kernel_h, kernel_w), 0 outside it.
template <class Layer>
auto weight_at(const Layer& l, int o, int i, int ky, int kx) {
  using Weight = typename decltype(l.weight)::value_type;
  if (o >= l.out_channels || i >= l.in_channels || ky >= l.kernel_h) return Weight{};
  return l.weight[((static_cast<std::size_t>(o) * l.in_channels + i) * l.kernel_h + ky) * l.kernel_w + kx];
}

// The number of channels for which weights are stored: a multiple of `whole`, except in the last layer.
template <class Layer>
int padded_channels(const Layer& l, int whole) {
  return l.last ? l.out_channels : ceil_div(l.out_channels, whole) * whole;
}

// Vectors are loaded and stored fastest if they do not cross a cache line.
struct alignas(64) CacheLine {
  Cell cells[16];
};

// The cells of all lines, one after another.
inline Cell* cells_of(std::vector<CacheLine>& lines) { return reinterpret_cast<Cell*>(lines.data()); }
inline const Cell* cells_of(const std::vector<CacheLine>& lines) {
  return reinterpret_cast<const Cell*>(lines.data());
}

// A row that the last layer computed: [channel][column] of its own samples.
struct LastLayerRow {
  const void* values;
  std::ptrdiff_t stride;
};

// Receives the result of a strip row by row.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void write(int row, const LastLayerRow& last) = 0;
};

// Reads a network's input and writes its result. Several threads call it at once.
class ChainIo {
 public:
  virtual ~ChainIo() = default;
  // Samples left … left + count of a row, in the range 0 … 1.
  virtual void fetch(int channel, int row, int left, int count, float* to) const = 0;
  // The first sample of a row of channel 0, if its samples are bytes that stand for themselves / 255, or null.
  virtual const std::uint8_t* bytes(int /*row*/) const { return nullptr; }
  virtual std::unique_ptr<RowSink> sink(int left, int columns) const = 0;
};

class FlatCells;

class ChainSession {
 public:
  virtual ~ChainSession() = default;

  // x: (channels, height, width) in the range 0 … 1; y: (channels, height * scale, width * scale). May be called from
  // many threads at once.
  void run(const float* x, int height, int width, float* y) const;
  // An image, with a network of one channel that computes its luma: see image.hpp.
  template <class Pixel>
  void run(const Pixels<Pixel>& pixels, const std::vector<Phase>& phases, Pixel* y) const;
  // A frame of video, with a network of one channel: see frame.hpp.
  template <class Code>
  void run(const Frame<Code>& frame) const;

  // Interleaves r consecutive phases of one channel, from phase (i, 0) on, to one row; the base is added to each.
  virtual void interleave(const LastLayerRow& last, int channel, int i, int j, int r, const float* base, int n,
                          float* to) const = 0;
  // The same for bytes, in integer arithmetic. Returns false in sessions that do not compute with integers.
  virtual bool interleave_bytes(const LastLayerRow&, int /*channel*/, int /*i*/, int /*j*/, int /*r*/,
                                const std::uint8_t* /*base*/, int /*n*/, std::uint8_t* /*to*/) const {
    return false;
  }

  // From now on, flat cells get the plain resize. threshold: in halves of a code. The chain has one channel and sees at
  // least kPlainReach samples to each side.
  void skip_flat(int threshold, PlainTaps taps) {
    threshold_ = threshold;
    taps_ = std::move(taps);
  }
  bool sees_plain_reach() const { return reach_h_ >= kPlainReach && reach_w_ >= kPlainReach; }

  const char* target() const { return target_; }
  // The target whose kernels run. Some targets improve one precision only and inherit the others.
  virtual const char* kernels() const = 0;
  const ChainShape& shape() const { return shape_; }
  int layers() const { return static_cast<int>(layers_.size()); }

 protected:
  // group: samples in a cell. pieces: the number of parts that an input sample is split into; all have the same weight.
  ChainSession(const ChainShape& shape, int threads, const std::string& target, int group, int pieces = 1);

  // A layer's kernel, counted in cells. In a first layer of one channel a cell holds neighbouring rows instead of
  // channels.
  struct KernelShape {
    int rows, row_step, groups, pieces;
    bool vertical;
  };
  KernelShape kernel_shape(int kernel_h) const;
  // How a layer reads its input: as separate rows, as contiguous rows (see Packing), or transformed (see winograd.hpp).
  enum class InputLayout { rows, contiguous, winograd };
  // channels: of the result. stored: the same rounded up to whole blocks, as the kernels write them. skip: the layer
  // whose result is added to this one's, or -1.
  void add_layer(int kernel_h, int kernel_w, int channels, int stored, int skip, InputLayout layout);
  // A layer's weights in blocks of channels, in the order that the kernels want. part(weight): its bits in a cell.
  // stored: the number of channels in all blocks.
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
  // The channel of the last layer that holds phase (i, j) of a channel.
  int phase(int channel, int i, int j) const;

  // Planes of bytes, in sessions that compute with integers.
  void run_bytes(const std::uint8_t* x, int height, int width, std::uint8_t* y) const;

 private:
  struct Layer {
    int kernel_h, kernel_w, channels, stored, skip;
    InputLayout layout;
    KernelShape kernel_shape;
    int reach_h, reach_w;  // samples beyond this layer's result that all later layers need
    int rows_needed;  // rows of the input: its own kernel's, or as many as a later skip lies behind
    // Rows in memory. Contiguous rows get more, so that the rows before them are seldom copied.
    int lead() const { return layout == InputLayout::contiguous ? kernel_h - 1 : 0; }
    int rows_held() const {
      return layout == InputLayout::contiguous && rows_needed < 2 * kernel_h ? 2 * kernel_h : rows_needed;
    }
  };
  struct Strip;

  // Appends a block of channels to a layer's weights, in the order that the kernels want.
  static void add_block(std::vector<Cell>& weight, const std::vector<Cell>& block, int channels, const Taps& taps,
                        const Packing* packing);

  virtual void conv(const RowConv& row, int layer) const = 0;
  // Transforms a row of the input of a Winograd layer, see winograd.hpp.
  virtual void transform(const Cell* from, std::ptrdiff_t stride, int groups, int tiles, Cell* to,
                         std::ptrdiff_t to_stride) const = 0;
  // One piece of each input sample, each alone in a cell.
  virtual void encode(const float* x, int n, int piece, Cell* to) const = 0;
  // A cell of a layer's result in which all samples are zero.
  virtual Cell zero(int layer) const = 0;
  // Whether the last layer's samples are integers of 16 bits; else floats.
  virtual bool integers() const = 0;
  // The columns that a call of a convolution costs.
  virtual int gap() const = 0;

  void run_with(const ChainIo& io, int height, int width) const;
  void begin(Strip& s, const ChainIo& io, int row) const;
  const std::vector<Span>& spans_of(Strip& s, int layer, int row) const;
  void keep_plain_row(Strip& s, int row, int first, int last) const;
  void write_plain(Strip& s, int row) const;
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
  const FlatKernels& flat_kernels_;
  int threshold_ = -1;  // of flat cells; -1 if all cells are computed
  PlainTaps taps_;
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
