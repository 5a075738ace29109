// Sub-pixel convolution, tile by tile.
#include "subpixel/conv.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "subpixel/dispatch.hpp"
#include "subpixel/conv_kernels.hpp"
#include "subpixel/parallel.hpp"
#include "subpixel/pattern.hpp"

namespace subpixel {
namespace {

using std::ptrdiff_t;

// The bytes of a tile, input and sums: half of a common second-level cache. Tiles are wide rather than high: long rows
// are read from memory in long runs, which processors prefetch.
constexpr ptrdiff_t kTileBytes = 512 * 1024;
constexpr ptrdiff_t kMostTileColumns = 336, kMostTileRows = 16;  // 336: a multiple of every target's column block

// Output channels that have the same taps and go through the kernel together.
struct Block {
  int group, channels, first_plane, from_h, from_w;
  std::vector<float> weight, bias;
};

// The weights in the kernel's order, and the plane of a tile that each output channel goes to.
class PackedWeights {
 public:
  PackedWeights(const SubpixelConv& s, int widest) : s_(s), widest_(widest) {
    plane.resize(static_cast<std::size_t>(s.groups) * s.out_channels);
    for (int group = 0; group < s.groups; ++group)
      for (int late_h = 0; late_h < 2; ++late_h)
        for (int late_w = 0; late_w < 2; ++late_w) add(group, late_h, late_w);
  }

  std::vector<Block> blocks;
  std::vector<int> plane;

 private:
  // Blocks of nearly equal size: 9 channels are 5 and 4 rather than 8 and 1.
  void add(int group, int late_h, int late_w) {
    std::vector<int> same;
    const int cell = s_.rh * s_.rw, result = s_.groups * s_.out_channels / cell;
    for (int o = group * s_.out_channels; o < (group + 1) * s_.out_channels; ++o) {
      const int phase = s_.crd ? o % cell : o / result;
      if ((phase / s_.rw >= s_.full_h) == late_h && (phase % s_.rw >= s_.full_w) == late_w) same.push_back(o);
    }
    const int count = static_cast<int>(same.size()), parts = (count + widest_ - 1) / widest_;
    for (int k = 0; k < parts; ++k) {
      const int first = static_cast<int>(ptrdiff_t{count} * k / parts);
      const int last = static_cast<int>(ptrdiff_t{count} * (k + 1) / parts);
      Block b{group, last - first, planes_, late_h, late_w, {}, {}};
      pack(b, same.data() + first);
      for (int c = first; c < last; ++c) plane[same[c]] = planes_++;
      blocks.push_back(std::move(b));
    }
  }

  void pack(Block& b, const int* outputs) const {
    b.bias.resize(static_cast<std::size_t>(widest_));
    const ptrdiff_t kernel = ptrdiff_t{s_.kernel_h} * s_.kernel_w;
    const int rows = s_.kernel_h - b.from_h, columns = s_.kernel_w - b.from_w;
    b.weight.resize(static_cast<std::size_t>(s_.in_channels) * rows * columns * widest_);
    for (int c = 0; c < b.channels; ++c) {
      if (s_.bias != nullptr) b.bias[c] = s_.bias[outputs[c]];
      float* to = b.weight.data() + c;
      for (int ci = 0; ci < s_.in_channels; ++ci) {
        const float* from = s_.weight + (ptrdiff_t{outputs[c]} * s_.in_channels + ci) * kernel;
        for (int ky = b.from_h; ky < s_.kernel_h; ++ky)
          for (int kx = b.from_w; kx < s_.kernel_w; ++kx, to += widest_) *to = from[ky * s_.kernel_w + kx];
      }
    }
  }

  const SubpixelConv& s_;
  int widest_, planes_ = 0;
};

// The planes of a tile, at distances that do not compete for the same sets of a cache.
struct Planes {
  ptrdiff_t row = 0, plane = 0;
  std::vector<float> data;

  void shape(ptrdiff_t channels, ptrdiff_t rows, ptrdiff_t columns) {
    row = columns;
    plane = ((row * rows + 15) / 16 | 1) * 16;
    data.resize(static_cast<std::size_t>(channels * plane + kVectorSlack));
  }
};

// Everything that all tiles of a call share.
class Call {
 public:
  Call(const SubpixelConv& s, int threads, const std::string& target)
      : s_(s), kernels_(*find_target(target).conv), packed_(s, kernels_.channel_block),
        cell_(s.rh * s.rw), result_(s.groups * s.out_channels / cell_),
        first_row_(s.crop_top / s.rh), first_column_(s.crop_left / s.rw),
        rows_((s.crop_top + s.rows - 1) / s.rh + 1 - first_row_),
        columns_((s.crop_left + s.columns - 1) / s.rw + 1 - first_column_),
        strided_(s.stride_h > 1 || s.stride_w > 1 || s.dilation_h > 1 || s.dilation_w > 1),
        plan_(pattern(s, result_), 4, *find_target(target).permute) {
    tile_columns_ = kernels_.column_block;
    while (tile_columns_ < std::min(columns_, kMostTileColumns)) tile_columns_ += kernels_.column_block;
    segment_ = tile_columns_ + (ptrdiff_t{s.kernel_w} - 1) * s.dilation_w / s.stride_w + 1;
    for (ptrdiff_t k = 0; k < s.kernel_w; ++k)
      tap_column_.push_back(k * s.dilation_w % s.stride_w * segment_ + k * s.dilation_w / s.stride_w);
    const ptrdiff_t in = s.in_channels * s.stride_h * segment_ * s.stride_w;
    const ptrdiff_t out = ptrdiff_t{s.groups} * s.out_channels * tile_columns_;
    tile_rows_ = std::clamp<ptrdiff_t>(kTileBytes / 4 / (in + out), 1, kMostTileRows);
    while (tile_rows_ > 4 && count() < 4 * ptrdiff_t{threads}) tile_rows_ /= 2;
  }

  ptrdiff_t count() const { return s_.n * down() * across(); }

  struct Tile {
    ptrdiff_t n, top, left, rows, columns;  // positions, counted from the first that the result needs
    Planes x, y;
    std::vector<const unsigned char*> streams;
    std::vector<float> line;
  };

  void run(ptrdiff_t number, Tile& t) const {
    t.n = number / (down() * across());
    t.top = number / across() % down() * tile_rows_;
    t.left = number % across() * tile_columns_;
    t.rows = std::min(tile_rows_, rows_ - t.top);
    t.columns = std::min(tile_columns_, columns_ - t.left);
    const ptrdiff_t high = (tile_rows_ - 1) * s_.stride_h + (ptrdiff_t{s_.kernel_h} - 1) * s_.dilation_h + 1;
    t.x.shape(s_.in_channels, high, segment_ * s_.stride_w);
    t.y.shape(ptrdiff_t{s_.groups} * s_.out_channels, tile_rows_, tile_columns_);
    int loaded = -1;
    for (const Block& b : packed_.blocks) {
      if (b.group != loaded) load(t, b.group);
      loaded = b.group;
      conv(t, b);
    }
    store(t);
  }

 private:
  ptrdiff_t down() const { return (rows_ + tile_rows_ - 1) / tile_rows_; }
  ptrdiff_t across() const { return (columns_ + tile_columns_ - 1) / tile_columns_; }

  // A row of the result from rows of phases; with channels last, of the phases of all channels.
  static Pattern pattern(const SubpixelConv& s, int result) {
    const int streams = s.rw * (s.channels_last ? result : 1);
    Pattern p{streams, 1, streams, {}, std::vector<int>(static_cast<std::size_t>(streams))};
    for (int k = 0; k < streams; ++k) p.stream.push_back(k);
    return p;
  }

  // Loads the input under a tile, with zeros outside the image. With a stride each row is split into the columns that
  // neighbouring positions see through the same tap.
  void load(Tile& t, int group) const {
    const ptrdiff_t all = ptrdiff_t{s_.groups} * s_.in_channels, pixel = s_.channels_last ? all : 1;
    const ptrdiff_t plane = s_.height * s_.width, reach = (ptrdiff_t{s_.kernel_w} - 1) * s_.dilation_w;
    const ptrdiff_t y0 = (first_row_ + t.top) * s_.stride_h - s_.top,
                    x0 = (first_column_ + t.left) * s_.stride_w - s_.left;
    const ptrdiff_t high = (t.rows - 1) * s_.stride_h + (ptrdiff_t{s_.kernel_h} - 1) * s_.dilation_h + 1;
    for (int c = 0; c < s_.in_channels; ++c) {
      const ptrdiff_t channel = ptrdiff_t{group} * s_.in_channels + c;
      const float* image = s_.x + t.n * all * plane + channel * (s_.channels_last ? 1 : plane);
      for (ptrdiff_t r = 0; r < high; ++r) {
        float* to = t.x.data.data() + c * t.x.plane + r * t.x.row;
        const bool inside = y0 + r >= 0 && y0 + r < s_.height;
        for (int k = 0; k < s_.stride_w; ++k, to += segment_) {
          const ptrdiff_t wanted = t.columns + reach / s_.stride_w + (reach % s_.stride_w > 0 ? 1 : 0);
          const float* from = image + (inside ? (y0 + r) * s_.width * pixel : 0);
          load_line(from, x0 + k, pixel, inside ? s_.width : 0, std::min(wanted, segment_), to);
        }
      }
    }
  }

  // Loads `count` samples, a stride apart, from a line of `width` pixels; the first is at x0.
  void load_line(const float* from, ptrdiff_t x0, ptrdiff_t pixel, ptrdiff_t width, ptrdiff_t count, float* to) const {
    const ptrdiff_t s = s_.stride_w;
    const ptrdiff_t first = std::clamp<ptrdiff_t>(x0 >= 0 ? 0 : (s - 1 - x0) / s, 0, count);
    const ptrdiff_t last = std::clamp<ptrdiff_t>(x0 >= width ? 0 : (width - 1 - x0) / s + 1, first, count);
    std::fill(to, to + first, 0.0f);
    if (first < last) {
      from += (x0 + first * s) * pixel;
      const ptrdiff_t step = s * pixel;
      if (step == 1) std::copy_n(from, last - first, to + first);
      else for (ptrdiff_t q = first; q < last; ++q, from += step) to[q] = *from;
    }
    std::fill(to + last, to + count, 0.0f);
  }

  void conv(Tile& t, const Block& b) const {
    ConvF32 a{t.x.data.data() + b.from_h * s_.dilation_h * t.x.row, t.x.plane, t.x.row,
              t.y.data.data() + b.first_plane * t.y.plane, t.y.plane, t.y.row, static_cast<int>(t.rows),
              static_cast<int>(t.columns), s_.in_channels, b.channels, s_.kernel_h - b.from_h, s_.kernel_w - b.from_w,
              b.weight.data(), b.bias.data(), b.bias.data(), Activation::none};
    if (strided_) {
      a.tap_row = t.x.row * s_.dilation_h;
      a.step_row = t.x.row * s_.stride_h;
      a.tap_column = tap_column_.data() + b.from_w;
    } else {
      a.x += b.from_w;
    }
    kernels_.conv(a);
  }

  int channel(int c, int i, int j) const {
    return s_.crd ? (c * s_.rh + i) * s_.rw + j : (i * s_.rw + j) * result_ + c;
  }

  void store(Tile& t) const {
    const int lines = s_.channels_last ? 1 : result_, pixel = s_.channels_last ? result_ : 1;
    t.streams.resize(static_cast<std::size_t>(s_.rw) * pixel);
    for (int line = 0; line < lines; ++line)
      for (ptrdiff_t p = 0; p < t.rows; ++p)
        for (int i = 0; i < s_.rh; ++i) {
          const ptrdiff_t row = (first_row_ + t.top + p) * s_.rh + i - s_.crop_top;
          if (row < 0 || row >= s_.rows) continue;
          for (int j = 0; j < s_.rw; ++j)
            for (int c = 0; c < pixel; ++c) {
              const int plane = packed_.plane[channel(line + c, i, j)];
              t.streams[j * pixel + c] =
                  reinterpret_cast<const unsigned char*>(t.y.data.data() + plane * t.y.plane + p * t.y.row);
            }
          store_row(t, s_.y + ((t.n * lines + line) * s_.rows + row) * s_.columns * pixel, pixel);
        }
  }

  // Stores this tile's part of a row of the result, which may begin or end within a position.
  void store_row(Tile& t, float* row, ptrdiff_t pixel) const {
    const ptrdiff_t begin = (first_column_ + t.left) * s_.rw - s_.crop_left, end = begin + t.columns * s_.rw;
    const ptrdiff_t first = std::max<ptrdiff_t>(begin, 0), last = std::min(end, s_.columns);
    const auto* limit = reinterpret_cast<const unsigned char*>(t.y.data.data() + t.y.data.size());
    if (t.streams.size() == 1) {
      std::memcpy(row + first, t.streams[0] + (first - begin) * 4, static_cast<std::size_t>(last - first) * 4);
    } else if (first == begin && last == end) {
      plan_.row(t.streams.data(), t.columns, reinterpret_cast<unsigned char*>(row + begin * pixel), limit);
    } else {
      t.line.resize(static_cast<std::size_t>((end - begin) * pixel));
      plan_.row(t.streams.data(), t.columns, reinterpret_cast<unsigned char*>(t.line.data()), limit);
      std::copy_n(t.line.data() + (first - begin) * pixel, (last - first) * pixel, row + first * pixel);
    }
  }

  const SubpixelConv& s_;
  const ConvKernels& kernels_;
  const PackedWeights packed_;
  const int cell_, result_;
  const ptrdiff_t first_row_, first_column_, rows_, columns_;
  const bool strided_;
  const PatternPlan plan_;
  std::vector<ptrdiff_t> tap_column_;
  ptrdiff_t segment_, tile_rows_, tile_columns_;
};

}  // namespace

void subpixel_conv(const SubpixelConv& s, int threads, const std::string& target) {
  if (s.n < 1 || s.rows < 1 || s.columns < 1) return;
  const Call call(s, threads, target);
  parallel(call.count(), threads, [&](const auto& next) {
    Call::Tile tile{};
    for (ptrdiff_t k = next(); k < call.count(); k = next()) call.run(k, tile);
  });
}

}  // namespace subpixel
