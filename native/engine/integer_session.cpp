#include "subpixel/integer_session.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "subpixel/dispatch.hpp"
#include "subpixel/parallel.hpp"

namespace subpixel {
namespace {

// Bytes the rows of all values of a strip may take: half of a common second-level cache.
constexpr std::ptrdiff_t kStripBytes = 512 * 1024;
// A strip's columns: a multiple of every target's column block, and what is left of a strip too narrow to be worth one.
constexpr int kStripStep = 96;
// Rows of a band: what its halo costs at the top and bottom is little beside them, and threads find enough bands.
constexpr int kBandRows = 96, kThinBand = 8;

int ceil_div(int a, int b) { return (a + b - 1) / b; }

std::uint8_t byte_of(std::uint8_t v) { return v; }
std::uint8_t byte_of(float v) {
  // NaN gives 0, as every comparison with it fails.
  const float scaled = v * 255.0f + 0.5f;
  return scaled >= 1.0f ? static_cast<std::uint8_t>(scaled < 255.0f ? scaled : 255.0f) : 0;
}

}  // namespace

// The rows of every value that a band still needs, for columns left - reach … left + columns + reach.
struct IntegerSession::Strip {
  struct Ring {
    std::vector<Cell> cells;
    int rows = 0;
    std::ptrdiff_t group_stride = 0, row_stride = 0;
    Cell* at(int row) { return cells.data() + (row % rows) * row_stride; }
  };

  int height, width;              // of the picture
  int top, left, rows, columns;   // of this part of it
  int first_row;                  // of the input that is read; rows are counted from it in rings
  int origin;                     // where column `left` lies in a row of cells
  std::vector<Ring> rings;        // value 0 is the input
  std::vector<std::uint8_t> bytes;          // input rows, [channel][row of a ring][column]
  std::ptrdiff_t byte_stride = 0;
  int byte_rows = 0, next_row = 0;
  std::vector<std::int16_t> last;           // z of the last layer, [channel][column]
  std::ptrdiff_t last_stride = 0;
  std::vector<const Cell*> pointers;
};

IntegerSession::IntegerSession(int channels, int scale, bool crd, bool base, bool zero_border, int threads,
                               const std::string& target)
    : channels_(channels), scale_(scale), threads_(threads), crd_(crd), base_(base), zero_border_(zero_border),
      kernels_(kernels_int(target)), target_(target_name(target)), picture_kernels_(picture_kernels(target)), permuter_(permuter_of(target)) {}

void IntegerSession::add(const IntegerLayer& layer) {
  const bool first = layers_.empty(), vertical = first && packs_rows();
  const int group = kernels_.group;
  Packed p{};
  p.kernel_h = layer.kernel_h;
  p.kernel_w = layer.kernel_w;
  p.activation = layer.activation;
  p.zero = layer.zero;
  p.skip = layer.skip;
  p.skip_gain = layer.skip_gain;
  p.kept = layer.kernel_h;
  // Cells of one channel hold neighbouring rows instead of channels.
  p.rows = vertical ? ceil_div(layer.kernel_h, group) : layer.kernel_h;
  p.row_step = vertical ? group : 1;
  p.groups = vertical ? 1 : ceil_div(first ? layer.in_channels : ceil_div(layer.in_channels, 4) * 4, group);
  const auto at = [&](int o, int i, int ky, int kx) -> std::int8_t {
    if (o >= layer.out_channels || i >= layer.in_channels || ky >= layer.kernel_h) return 0;
    return layer.weight[((static_cast<std::size_t>(o) * layer.in_channels + i) * layer.kernel_h + ky) * layer.kernel_w + kx];
  };
  // Cells of four channels are made whole; a last layer's channels stay single.
  const int wanted = layer.last ? layer.out_channels : ceil_div(layer.out_channels, 4) * 4;
  for (int from = 0, count; from < wanted; from += count) {
    count = kernels_.block(wanted - from);
    for (int r = 0; r < p.rows; ++r)
      for (int g = 0; g < p.groups; ++g)
        for (int kx = 0; kx < layer.kernel_w; ++kx)
          for (int o = from; o < from + count; ++o) {
            Cell cell = 0;
            for (int k = 0; k < group; ++k) {
              const int w = vertical ? at(o, 0, r * group + k, kx) : at(o, g * group + k, r, kx);
              cell |= (static_cast<Cell>(w) & (group == 4 ? 0xffu : 0xffffu)) << (k * 32 / group);
            }
            p.weight.push_back(cell);
          }
    p.channels = from + count;
  }
  const auto wide = static_cast<std::size_t>(p.channels);
  p.bias = layer.bias;
  p.shift = layer.shift;
  p.bias.resize(wide);
  p.shift.resize(wide);
  for (std::size_t c = 0; c < wide; ++c) {
    const bool real = c < static_cast<std::size_t>(layer.out_channels);
    p.multiplier.insert(p.multiplier.end(), 4, real ? layer.multiplier[c] : std::int16_t{0});
    p.slope.insert(p.slope.end(), 4, real && !layer.slope.empty() ? layer.slope[c] : std::int16_t{0});
  }
  for (Packed& earlier : layers_) {
    earlier.reach_h += layer.kernel_h / 2;
    earlier.reach_w += layer.kernel_w / 2;
  }
  reach_h_ += layer.kernel_h / 2;
  reach_w_ += layer.kernel_w / 2;
  layers_.push_back(std::move(p));
  // The result of layer k is the input of layer k + 1; it is ahead of this layer's by the reach of those in between.
  for (const Packed& later : layers_)
    if (later.skip >= 0) {
      Packed& reader = layers_[later.skip + 1];
      reader.kept = std::max(reader.kept, layers_[later.skip].reach_h - later.reach_h + 1);
    }
}

int IntegerSession::strip_columns(int width) const {
  std::ptrdiff_t bytes = 0;  // a column's
  for (std::size_t k = 0; k < layers_.size(); ++k) {
    const int ring = layers_[k].kept * layers_[k].groups;
    bytes += std::ptrdiff_t{4} * ring;
  }
  const int most = static_cast<int>(std::clamp<std::ptrdiff_t>(kStripBytes / bytes, 2 * kStripStep, 1 << 16));
  const int strips = ceil_div(width, most);
  return std::min(width, ceil_div(ceil_div(width, strips), kStripStep) * kStripStep);
}

template <class Sample>
class IntegerSession::Planes : public Feed {
 public:
  Planes(const IntegerSession& session, const Sample* x, int height, int width, Sample* y)
      : session_(session), x_(x), height_(height), width_(width), y_(y) {}

  void fetch(int channel, int row, int left, int count, std::uint8_t* to) const override {
    const Sample* from = x_ + (std::ptrdiff_t{channel} * height_ + row) * width_ + left;
    for (int k = 0; k < count; ++k) to[k] = byte_of(from[k]);
  }
  std::unique_ptr<Rows> rows(int left, int columns) const override {
    return std::make_unique<Strip>(*this, left, columns);
  }

 private:
  class Strip : public Rows {
   public:
    Strip(const Planes& of, int left, int columns)
        : of_(of), left_(left), columns_(columns), none_(of.session_.base_ ? 0 : static_cast<std::size_t>(columns)) {}
    void merge(int row, const std::int16_t* last, std::ptrdiff_t stride) override {
      const IntegerSession& session = of_.session_;
      const int r = session.scale_;
      const std::int16_t* z[64];
      for (int c = 0; c < session.channels_; ++c) {
        const std::ptrdiff_t line = std::ptrdiff_t{c} * of_.height_ + row;
        const Sample* base = session.base_ ? of_.x_ + line * of_.width_ + left_ : none_.data();
        for (int i = 0; i < r; ++i) {
          for (int j = 0; j < r; ++j) z[j] = last + session.channel(c, i, j) * stride;
          Sample* to = of_.y_ + ((line * r + i) * of_.width_ + left_) * r;
          if constexpr (std::is_same_v<Sample, float>) session.kernels_.merge_f32(z, base, r, columns_, to);
          else session.kernels_.merge_u8(z, base, r, columns_, to);
        }
      }
    }

   private:
    const Planes& of_;
    int left_, columns_;
    std::vector<Sample> none_;
  };

  const IntegerSession& session_;
  const Sample* x_;
  int height_, width_;
  Sample* y_;
};

template <class Pixel>
class IntegerSession::Picture : public Feed {
 public:
  Picture(const IntegerSession& session, const Pixels<Pixel>& pixels, const std::vector<Phase>& phases, Pixel* y)
      : session_(session), pixels_(pixels), phases_(phases), y_(y) {}

  void fetch(int, int row, int left, int count, std::uint8_t* to) const override {
    LumaRow<Pixel> line(pixels_, session_.picture_kernels_);
    session_.picture_kernels_.bytes(line(row, left, count), count, to);
  }
  std::unique_ptr<Rows> rows(int left, int columns) const override {
    return std::make_unique<Strip>(*this, left, columns);
  }

 private:
  class Strip : public Rows {
   public:
    Strip(const Picture& of, int left, int columns)
        : of_(of), left_(left), columns_(columns),
          composer_(of.pixels_, of.phases_, left, columns, of.session_.picture_kernels_, of.session_.permuter_),
          luma_(of.pixels_, of.session_.picture_kernels_), base_(static_cast<std::size_t>(columns)),
          net_(static_cast<std::size_t>(columns)) {}
    void merge(int row, const std::int16_t* last, std::ptrdiff_t stride) override {
      const IntegerSession& session = of_.session_;
      const float* base = session.base_ ? luma_(row, left_, columns_) : base_.data();
      composer_.row(row, [&](int i, int j) {
        const std::int16_t* z = last + session.channel(0, i, j) * stride;
        session.kernels_.merge_f32(&z, base, 1, columns_, net_.data());
        return net_.data();
      }, of_.y_);
    }

   private:
    const Picture& of_;
    int left_, columns_;
    Composer<Pixel> composer_;
    LumaRow<Pixel> luma_;
    std::vector<float> base_, net_;
  };

  const IntegerSession& session_;
  Pixels<Pixel> pixels_;
  const std::vector<Phase>& phases_;
  Pixel* y_;
};

void IntegerSession::run(const float* x, int height, int width, float* y) const {
  run_feed(Planes<float>(*this, x, height, width, y), height, width);
}

void IntegerSession::run(const std::uint8_t* x, int height, int width, std::uint8_t* y) const {
  run_feed(Planes<std::uint8_t>(*this, x, height, width, y), height, width);
}

template <class Pixel>
void IntegerSession::run(const Pixels<Pixel>& pixels, const std::vector<Phase>& phases, Pixel* y) const {
  run_feed(Picture<Pixel>(*this, pixels, phases, y), pixels.height, pixels.width);
}

template void IntegerSession::run(const Pixels<std::uint8_t>&, const std::vector<Phase>&, std::uint8_t*) const;
template void IntegerSession::run(const Pixels<std::uint16_t>&, const std::vector<Phase>&, std::uint16_t*) const;

void IntegerSession::run_feed(const Feed& feed, int height, int width) const {
  if (layers_.empty()) throw std::logic_error("a session without layers");
  if (height < 1 || width < 1) return;
  const int columns = strip_columns(width), across = ceil_div(width, columns);
  // As many bands for each thread, unless they would become thin.
  const int bands = std::min(ceil_div(ceil_div(height, kBandRows), threads_) * threads_, ceil_div(height, kThinBand));
  const int rows = ceil_div(height, bands);
  const int down = ceil_div(height, rows);
  parallel(std::ptrdiff_t{down} * across, threads_, [&](const auto& next) {
    Strip s{};
    s.height = height;
    s.width = width;
    for (std::ptrdiff_t k = next(); k < std::ptrdiff_t{down} * across; k = next()) {
      s.top = static_cast<int>(k / across) * rows;
      s.left = static_cast<int>(k % across) * columns;
      s.rows = std::min(rows, height - s.top);
      s.columns = std::min(columns, width - s.left);
      run_strip(s, feed);
    }
  });
}

void IntegerSession::run_strip(Strip& s, const Feed& feed) const {
  const int group = kernels_.group, count = layers();
  const std::ptrdiff_t wide = s.columns + 2 * std::ptrdiff_t{reach_w_} + 2 * kCellSlack;
  s.origin = reach_w_;
  s.first_row = s.top - reach_h_;
  s.next_row = 0;
  s.rings.resize(static_cast<std::size_t>(count));
  for (int k = 0; k < count; ++k) {
    Strip::Ring& ring = s.rings[k];
    ring.rows = layers_[k].kept;
    // A page and a bit apart, groups would share the few places of a cache that such addresses map to.
    ring.group_stride = wide + (wide % 1024 == 0 ? 16 : 0);
    ring.row_stride = ring.group_stride * layers_[k].groups;
    const auto need = static_cast<std::size_t>(ring.row_stride * ring.rows + kCellSlack);
    if (ring.cells.size() < need) ring.cells.resize(need);
  }
  s.byte_rows = packs_rows() ? group : 1;
  s.byte_stride = wide;
  s.bytes.assign(static_cast<std::size_t>(channels_ * s.byte_rows * s.byte_stride), 0);
  s.last_stride = wide;
  s.last.resize(static_cast<std::size_t>(layers_.back().channels * s.last_stride));

  const std::unique_ptr<Rows> result = feed.rows(s.left, s.columns);
  // One row of every value in turn; each as far ahead of the result as the later layers reach.
  for (int row = -reach_h_; row < s.rows + reach_h_; ++row) {
    load_row(s, feed, s.top + row);
    int ahead = reach_h_;
    for (int k = 0; k < count; ++k) {
      ahead -= layers_[k].kernel_h / 2;
      const int made = row - (reach_h_ - ahead);
      if (made < -layers_[k].reach_h) break;
      conv_row(s, k, s.top + made);
    }
    if (row >= reach_h_) result->merge(s.top + row - reach_h_, s.last.data(), s.last_stride);
  }
}

// The input's cells of one row. Outside of the picture its edge is repeated, or there are zeros.
void IntegerSession::load_row(Strip& s, const Feed& feed, int row) const {
  const int group = kernels_.group, shift = 32 / group, reach = reach_w_, wide = s.columns + 2 * reach;
  const auto fetch = [&](int from_row, std::uint8_t* to, int channel) {
    const int clamped = std::clamp(from_row, 0, s.height - 1);
    if (zero_border_ && clamped != from_row) {
      std::memset(to, 0, static_cast<std::size_t>(wide));
      return;
    }
    const int first = std::max(0, reach - s.left), last = std::min(wide, s.width - s.left + reach);
    feed.fetch(channel, clamped, s.left - reach + first, last - first, to + first);
    std::memset(to, zero_border_ ? 0 : to[first], static_cast<std::size_t>(first));
    std::memset(to + last, zero_border_ ? 0 : to[last - 1], static_cast<std::size_t>(wide - last));
  };
  Strip::Ring& ring = s.rings[0];
  Cell* cells = ring.at(row - s.first_row);
  if (packs_rows()) {
    const auto line = [&](int r) {
      return s.bytes.data() + static_cast<std::ptrdiff_t>((r - s.first_row) % group) * s.byte_stride;
    };
    for (; s.next_row + s.first_row < row + group; ++s.next_row)
      fetch(s.next_row + s.first_row, line(s.next_row + s.first_row), 0);
    const std::uint8_t *a = line(row), *b = line(row + 1), *c = line(row + 2), *d = line(row + 3);
    if (group == 4)
      for (int k = 0; k < wide; ++k) cells[k] = a[k] | b[k] << 8 | c[k] << 16 | static_cast<Cell>(d[k]) << 24;
    else
      for (int k = 0; k < wide; ++k) cells[k] = a[k] | b[k] << 16;
    return;
  }
  for (int g = 0; g < layers_[0].groups; ++g) {
    Cell* to = cells + g * ring.group_stride;
    std::fill(to, to + wide, Cell{0});
    for (int k = 0; k < group && g * group + k < channels_; ++k) {
      fetch(row, s.bytes.data(), g * group + k);
      for (int column = 0; column < wide; ++column) to[column] |= static_cast<Cell>(s.bytes[column]) << (k * shift);
    }
  }
}

void IntegerSession::conv_row(Strip& s, int layer, int row) const {
  const Packed& p = layers_[layer];
  Strip::Ring& from = s.rings[layer];
  RowConvInt a{};
  s.pointers.resize(static_cast<std::size_t>(p.rows));
  const int first = row - s.first_row - p.kernel_h / 2, column = s.origin - p.reach_w - p.kernel_w / 2;
  for (int r = 0; r < p.rows; ++r) s.pointers[r] = from.at(first + r * p.row_step) + column;
  a.rows = s.pointers.data();
  a.kernel_rows = p.rows;
  a.groups = p.groups;
  a.kernel_columns = p.kernel_w;
  a.group_stride = from.group_stride;
  a.columns = s.columns + 2 * p.reach_w;
  a.weight = p.weight.data();
  a.end = {p.bias.data(), p.shift.data(), p.multiplier.data(), p.slope.data(), p.activation, p.zero};
  a.channels = p.channels;
  if (layer + 1 == layers()) {
    a.last = s.last.data();
    a.last_stride = s.last_stride;
    return kernels_.conv(a);
  }
  if (p.skip >= 0) {
    Strip::Ring& earlier = s.rings[p.skip + 1];
    a.skip = earlier.at(row - s.first_row) + s.origin - p.reach_w;
    a.skip_stride = earlier.group_stride;
    a.skip_zero = layers_[p.skip].zero;
    a.skip_gain = p.skip_gain;
  }
  Strip::Ring& to = s.rings[layer + 1];
  a.out = to.at(row - s.first_row) + s.origin - p.reach_w;
  a.out_stride = to.group_stride;
  kernels_.conv(a);
  if (zero_border_) blank_outside(s, layer, row);
}

// What lies outside of the picture is zero for the next layer, if each layer pads with zeros by itself.
void IntegerSession::blank_outside(Strip& s, int layer, int row) const {
  const Packed& p = layers_[layer];
  Strip::Ring& ring = s.rings[layer + 1];
  Cell zero = 0;
  for (int k = 0; k < kernels_.group; ++k) zero |= static_cast<Cell>(p.zero) << (k * 32 / kernels_.group);
  const int begin = s.origin - p.reach_w, end = s.origin + s.columns + p.reach_w;
  const bool inside = row >= 0 && row < s.height;
  const int from = inside ? std::clamp(s.origin - s.left, begin, end) : end;
  const int until = inside ? std::clamp(s.origin + s.width - s.left, begin, end) : end;
  for (int g = 0; g < layers_[layer + 1].groups; ++g) {
    Cell* cells = ring.at(row - s.first_row) + g * ring.group_stride;
    std::fill(cells + begin, cells + from, zero);
    std::fill(cells + until, cells + end, zero);
  }
}

}  // namespace subpixel
