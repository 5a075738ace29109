// Runs f32 networks of any graph tile by tile.
#include "subpixel/session.hpp"

#include <algorithm>
#include <stdexcept>

#include "subpixel/dispatch.hpp"
#include "subpixel/parallel.hpp"

namespace subpixel {
namespace {

// The inputs of a part of a convolution: a share of a common second-level cache, which all output channels read.
constexpr std::ptrdiff_t kPartBytes = 256 * 1024;
constexpr int kMostPartColumns = 144;  // a multiple of every target's column block
constexpr int kManyChannels = 16;

// A value within a tile: a view of a buffer. `top` and `left` are the place of its first sample in the image.
struct Plane {
  float* data = nullptr;
  int top = 0, left = 0, rows = 0, columns = 0;
  std::ptrdiff_t row = 0, plane = 0;

  float* at(int channel, std::ptrdiff_t y, std::ptrdiff_t x = 0) const { return data + channel * plane + y * row + x; }
};

// Rounds down.
int floor_ratio(int value, int divisor) { return value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor); }

// An odd number of cache lines: planes do not compete for the same sets of a cache.
std::ptrdiff_t plane_of(std::ptrdiff_t samples) { return ((samples + 15) / 16 | 1) * 16; }

// Copies the input of a convolution, whose first tap is at a.x, to where its rows lie close together. With a stride
// each row is split into the columns that neighbouring outputs see through the same tap.
void pack(std::vector<float>& packed, std::vector<std::ptrdiff_t>& tap_column, int stride, ConvF32& a) {
  const std::ptrdiff_t wide = (std::ptrdiff_t{a.columns} - 1) * stride + a.kernel_w;
  const std::ptrdiff_t high = (std::ptrdiff_t{a.rows} - 1) * stride + a.kernel_h;
  const std::ptrdiff_t segment = (wide + stride - 1) / stride + kVectorSlack, row = segment * stride;
  const std::ptrdiff_t plane = plane_of(high * row);
  const auto need = static_cast<std::size_t>(a.in_channels * plane);
  if (packed.size() < need) packed.resize(need);
  for (int c = 0; c < a.in_channels; ++c)
    for (std::ptrdiff_t r = 0; r < high; ++r)
      for (int k = 0; k < stride; ++k) {
        const float* from = a.x + c * a.x_plane + r * a.x_row + k;
        float* to = packed.data() + c * plane + r * row + k * segment;
        if (stride == 1) std::copy_n(from, wide, to);
        else for (std::ptrdiff_t q = 0; k + q * stride < wide; ++q) to[q] = from[q * stride];
      }
  a.x = packed.data();
  a.x_plane = plane;
  a.x_row = row;
  if (stride == 1) return;
  tap_column.resize(static_cast<std::size_t>(a.kernel_w));
  for (int k = 0; k < a.kernel_w; ++k) tap_column[k] = k % stride * segment + k / stride;
  a.tap_row = row;
  a.step_row = row * stride;
  a.tap_column = tap_column.data();
}

}  // namespace

struct Tile {
  const float* const* x;
  float* const* y;
  int height, width;              // of the whole image, in units as the next ones
  int top, left, rows, columns;  // of this tile in the image
  std::vector<Plane> values;
  std::vector<std::vector<float>> buffers;  // kept from tile to tile
  std::vector<float> packed, flow, warped;  // of convolutions and of warps
  std::vector<std::ptrdiff_t> tap_column;
};

Session::Session(bool zero_border, int threads, const std::string& target)
    : threads_(threads), zero_border_(zero_border), kernels_(*find_target(target).conv),
      warps_(*find_target(target).warp), target_(find_target(target).name) {
  if (threads < 1) throw std::invalid_argument("threads must be at least 1");
}

Session::~Session() = default;

void Session::add_input(ValueShape shape) {
  if (!steps_.empty()) throw std::logic_error("an input after the first step");
  values_.push_back(shape);
  ++inputs_;
}

void Session::add_conv(ValueShape shape, int source, int kernel_h, int kernel_w, int stride, const float* weight,
                       const float* bias, Activation activation, const float* slope) {
  const int block = kernels_.channel_block;
  const int blocks = (shape.channels + block - 1) / block;
  const int taps = values_.at(source).channels * kernel_h * kernel_w;
  ConvStep step{source, kernel_h, kernel_w, stride, activation, {}, {}, {}};
  step.weight.resize(static_cast<std::size_t>(blocks) * block * taps);
  step.bias.resize(static_cast<std::size_t>(blocks) * block);
  step.slope.resize(static_cast<std::size_t>(blocks) * block);
  for (int o = 0; o < shape.channels; ++o) {
    float* to = step.weight.data() + static_cast<std::size_t>(o / block) * block * taps + o % block;
    for (int t = 0; t < taps; ++t)
      to[static_cast<std::size_t>(t) * block] = weight[static_cast<std::size_t>(o) * taps + t];
    if (bias) step.bias[o] = bias[o];
    if (slope) step.slope[o] = slope[o];
  }
  add_step(shape, std::move(step));
}

void Session::add_step(ValueShape shape, Step step) {
  values_.push_back(shape);
  steps_.push_back(std::move(step));
}

void Session::add_output(int value) {
  if (value < inputs_ || value >= static_cast<int>(values_.size())) throw std::logic_error("an output is a step");
  outputs_.push_back(value);
  try {
    place_values();
  } catch (...) {
    outputs_.pop_back();
    throw;
  }
}

void Session::run(const float* const* x, int height, int width, float* const* y) const {
  if (outputs_.empty()) throw std::logic_error("a session without outputs");
  if (height < 1 || width < 1) return;
  const TileSize size = choose_tile(height, width);
  const std::ptrdiff_t down = (height + size.rows - 1) / size.rows, across = (width + size.columns - 1) / size.columns;
  parallel(down * across, threads_, [&](const auto& next) {
    Tile tile{x, y, height, width, 0, 0, 0, 0, {}, {}, {}, {}, {}, {}};
    tile.values.resize(places_.size());
    tile.buffers.resize(static_cast<std::size_t>(buffers_));
    for (std::ptrdiff_t k = next(); k < down * across; k = next()) {
      tile.top = static_cast<int>(k / across) * size.rows;
      tile.left = static_cast<int>(k % across) * size.columns;
      tile.rows = std::min(size.rows, height - tile.top);
      tile.columns = std::min(size.columns, width - tile.left);
      run_tile(tile);
    }
  });
}

void Session::run_tile(Tile& tile) const {
  for (std::size_t v = 0; v < places_.size(); ++v) {
    const int value = static_cast<int>(v);
    if (places_[v].buffer < 0) continue;
    Plane& p = tile.values[v];
    p.top = first_sample(value, tile.top);
    p.left = first_sample(value, tile.left);
    p.rows = end_sample(value, tile.top + tile.rows, tile.height) - p.top;
    p.columns = end_sample(value, tile.left + tile.columns, tile.width) - p.left;
    p.row = std::ptrdiff_t{p.columns} + kVectorSlack;
    p.plane = plane_of(p.row * p.rows);
    std::vector<float>& buffer = tile.buffers[places_[v].buffer];
    const auto need = static_cast<std::size_t>(p.plane * values_[v].channels + kVectorSlack);
    if (buffer.size() < need) buffer.resize(need);
  }
  for (std::size_t v = 0; v < places_.size(); ++v) {
    if (places_[v].buffer < 0) continue;
    const int value = static_cast<int>(v);
    tile.values[v].data = tile.buffers[places_[v].buffer].data();
    if (value < inputs_) load_input(tile, value);
    else compute(tile, value);
    if (zero_border_) zero_outside(tile, value);
    for (std::size_t k = 0; k < outputs_.size(); ++k)
      if (outputs_[k] == value) store_result(tile, value, tile.y[k]);
  }
}

void Session::compute(Tile& tile, int value) const {
  std::visit(
      [&](const auto& step) {
        using T = std::decay_t<decltype(step)>;
        if constexpr (std::is_same_v<T, ConvStep>) conv(tile, step, value);
        else if constexpr (std::is_same_v<T, AddStep>) add(tile, step, value);
        else if constexpr (std::is_same_v<T, ConcatStep>) concat(tile, step, value);
        else if constexpr (std::is_same_v<T, ResizeStep>) resize(tile, step, value);
        else if constexpr (std::is_same_v<T, ShuffleStep>) shuffle(tile, step, value);
        else warp(tile, step, value);
      },
      steps_[static_cast<std::size_t>(value - inputs_)]);
}

// Loads the tile of an input with its surroundings. Outside the image its edge is repeated, or there are zeros.
void Session::load_input(Tile& tile, int value) const {
  const Plane& to = tile.values[value];
  const ValueShape& s = values_[value];
  const int height = tile.height * s.scale, width = tile.width * s.scale;
  const int top = to.top, left = to.left;
  const int first = std::clamp(-left, 0, to.columns), last = std::clamp(width - left, first, to.columns);
  for (int c = 0; c < s.channels; ++c) {
    const float* plane = tile.x[value] + static_cast<std::ptrdiff_t>(c) * height * width;
    for (int r = 0; r < to.rows; ++r) {
      const float* from = plane + static_cast<std::ptrdiff_t>(std::clamp(top + r, 0, height - 1)) * width;
      float* out = to.at(c, r);
      std::fill(out, out + first, from[0]);
      std::copy(from + left + first, from + left + last, out + first);
      std::fill(out + last, out + to.columns, from[width - 1]);
    }
  }
}

// Part by part, so that all output channels find their input in the cache.
void Session::conv(Tile& tile, const ConvStep& step, int value) const {
  const Plane& x = tile.values[step.source];
  const Plane& y = tile.values[value];
  const int in = values_[step.source].channels, s = step.stride;
  const std::ptrdiff_t top = std::ptrdiff_t{y.top} * s - step.kernel_h / 2 - x.top;
  const std::ptrdiff_t left = std::ptrdiff_t{y.left} * s - step.kernel_w / 2 - x.left;
  const std::ptrdiff_t line = std::ptrdiff_t{in} * s * 4;  // bytes for each column
  int columns = kMostPartColumns;
  while (columns > kernels_.column_block && line * (columns + step.kernel_w) * (step.kernel_h + 3) > kPartBytes)
    columns -= kernels_.column_block;
  const int rows = static_cast<int>(
      std::max<std::ptrdiff_t>(4, (kPartBytes / (line * (columns + step.kernel_w)) - step.kernel_h) / s));
  const ConvF32 whole{nullptr, x.plane, x.row, nullptr, y.plane, y.row, 0, 0, in, values_[value].channels,
                step.kernel_h, step.kernel_w, step.weight.data(), step.bias.data(), step.slope.data(),
                step.activation};
  // Planes of a tile lie on as many pages of memory as there are channels, more than a processor finds at once.
  const bool many = in >= kManyChannels && values_[value].channels > kernels_.channel_block;
  const Range wanted = computed(tile, value);
  for (int r = wanted.top; r < wanted.bottom; r += rows)
    for (int c = wanted.left; c < wanted.right; c += columns) {
      ConvF32 a = whole;
      a.rows = std::min(rows, wanted.bottom - r);
      a.columns = std::min(columns, wanted.right - c);
      a.y = y.at(0, r, c);
      a.x = x.at(0, top + std::ptrdiff_t{r} * s, left + std::ptrdiff_t{c} * s);
      if (s > 1 || many) pack(tile.packed, tile.tap_column, s, a);
      kernels_.conv(a);
    }
}

void Session::add(Tile& tile, const AddStep& step, int value) const {
  const Plane& y = tile.values[value];
  const Range wanted = computed(tile, value);
  const int columns = wanted.right - wanted.left;
  for (std::size_t n = 0; n < step.sources.size(); ++n) {
    const Plane& x = tile.values[step.sources[n]];
    for (int c = 0; c < values_[value].channels; ++c)
      for (int r = wanted.top; r < wanted.bottom; ++r) {
        const float* from = x.at(c, r + y.top - x.top, wanted.left + y.left - x.left);
        float* to = y.at(c, r, wanted.left);
        if (n == 0) std::copy_n(from, columns, to);
        else for (int k = 0; k < columns; ++k) to[k] += from[k];
      }
  }
}

void Session::concat(Tile& tile, const ConcatStep& step, int value) const {
  const Plane& y = tile.values[value];
  const Range wanted = computed(tile, value);
  int channel = 0;
  for (int source : step.sources) {
    const Plane& x = tile.values[source];
    for (int c = 0; c < values_[source].channels; ++c, ++channel)
      for (int r = wanted.top; r < wanted.bottom; ++r)
        std::copy_n(x.at(c, r + y.top - x.top, wanted.left + y.left - x.left), wanted.right - wanted.left,
                    y.at(channel, r, wanted.left));
  }
}

// Rows first, then columns. With a zero border the source is clamped to the image, since only zeros lie outside.
void Session::resize(Tile& tile, const ResizeStep& step, int value) const {
  const Plane& x = tile.values[step.source];
  const Plane& y = tile.values[value];
  const ValueShape& from = values_[step.source];
  const Range wanted = computed(tile, value);
  // The place in the tile of a sample of the source: `first` is the tile's first, `side` the image's side.
  const auto place = [&](int index, int first, int side, int have) {
    if (zero_border_) index = std::clamp(index, 0, side - 1);
    return std::clamp(index - first, 0, have - 1);
  };
  std::vector<float> line(static_cast<std::size_t>(x.columns));
  for (int c = 0; c < from.channels; ++c)
    for (int r = wanted.top; r < wanted.bottom; ++r) {
      const int under = floor_ratio(y.top + r, step.factor), phase = y.top + r - under * step.factor;
      std::fill(line.begin(), line.end(), 0.0f);
      for (int t = 0; t < step.taps; ++t) {
        const int k = phase * step.taps + t;
        const float* source = x.at(c, place(under + step.offset[k], x.top, tile.height * from.scale, x.rows));
        for (int i = 0; i < x.columns; ++i) line[i] += step.weight[k] * source[i];
      }
      float* to = y.at(c, r);
      for (int i = wanted.left; i < wanted.right; ++i) {
        const int above = floor_ratio(y.left + i, step.factor), across = y.left + i - above * step.factor;
        float sum = 0.0f;
        for (int t = 0; t < step.taps; ++t) {
          const int k = across * step.taps + t;
          sum += step.weight[k] * line[place(above + step.offset[k], x.left, tile.width * from.scale, x.columns)];
        }
        to[i] = sum;
      }
    }
}

void Session::shuffle(Tile& tile, const ShuffleStep& step, int value) const {
  const Plane& x = tile.values[step.source];
  const Plane& y = tile.values[value];
  const Range wanted = computed(tile, value);
  const int f = step.factor, channels = values_[value].channels;
  for (int c = 0; c < channels; ++c)
    for (int r = wanted.top; r < wanted.bottom; ++r) {
      const int row = floor_ratio(y.top + r, f), i = y.top + r - row * f;
      float* to = y.at(c, r);
      // The first f columns each begin a phase.
      for (int k = wanted.left; k < std::min(wanted.left + f, wanted.right); ++k) {
        const int column = floor_ratio(y.left + k, f), j = y.left + k - column * f;
        const float* from = x.at(step.crd ? (c * f + i) * f + j : (i * f + j) * channels + c, row - x.top);
        from += column - x.left;
        for (int w = k; w < wanted.right; w += f) to[w] = *from++;
      }
    }
}

// Only the flow belongs to the tile. The kernel counts positions from the first sample of the image.
void Session::warp(Tile& tile, const WarpStep& step, int value) const {
  const Plane& flow = tile.values[step.flow];
  const Plane& y = tile.values[value];
  const ValueShape& s = values_[step.source];
  const Range wanted = computed(tile, value);
  Warp w{};
  w.rows = wanted.bottom - wanted.top;
  w.columns = wanted.right - wanted.left;
  w.first_row = y.top + wanted.top;
  w.first_column = y.left + wanted.left;
  const std::ptrdiff_t plane = std::ptrdiff_t{w.rows} * w.columns;
  tile.flow.resize(static_cast<std::size_t>(2 * plane));
  tile.warped.resize(static_cast<std::size_t>(s.channels * plane));
  float* to = tile.flow.data();
  for (int c = 0; c < 2; ++c)
    for (int r = 0; r < w.rows; ++r, to += w.columns) {
      const float* from = flow.at(c, w.first_row + r - flow.top, w.first_column - flow.left);
      for (int k = 0; k < w.columns; ++k) to[k] = std::clamp(from[k], -1.0f, 1.0f) * step.reach;
    }
  w.x = tile.x[step.source];
  w.channels = s.channels;
  w.height = tile.height * s.scale;
  w.width = tile.width * s.scale;
  w.positions = tile.flow.data();
  w.y = tile.warped.data();
  w.sample = Sample::f32;
  w.flow = true;
  w.sampling = Sampling::bilinear;
  w.outside = Outside::border;
  for (int column = 0; column < w.columns; column += kWarpBlock)
    for (int row = 0; row < w.rows; ++row) warps_.block(w, row, column);
  const float* from = tile.warped.data();
  for (int c = 0; c < s.channels; ++c)
    for (int r = wanted.top; r < wanted.bottom; ++r, from += w.columns)
      std::copy_n(from, w.columns, y.at(c, r, wanted.left));
}

// Samples outside the image count as zeros for the next layer.
void Session::zero_outside(Tile& tile, int value) const {
  const Plane& p = tile.values[value];
  const Range image = inside(tile, value);
  for (int c = 0; c < values_[value].channels; ++c)
    for (int r = 0; r < p.rows; ++r) {
      float* row = p.at(c, r);
      const bool within = r >= image.top && r < image.bottom;
      std::fill(row, row + (within ? image.left : p.columns), 0.0f);
      if (within) std::fill(row + image.right, row + p.columns, 0.0f);
    }
}

// The part of a value within a tile that lies in the image.
Session::Range Session::inside(const Tile& tile, int value) const {
  const int scale = values_[value].scale;
  const Plane& p = tile.values[value];
  return {std::clamp(-p.top, 0, p.rows), std::clamp(tile.height * scale - p.top, 0, p.rows),
          std::clamp(-p.left, 0, p.columns), std::clamp(tile.width * scale - p.left, 0, p.columns)};
}

// The part that is computed: zero_outside clears the rest.
Session::Range Session::computed(const Tile& tile, int value) const {
  const Plane& p = tile.values[value];
  return zero_border_ ? inside(tile, value) : Range{0, p.rows, 0, p.columns};
}

void Session::store_result(Tile& tile, int value, float* y) const {
  const Plane& p = tile.values[value];
  const ValueShape& s = values_[value];
  const int top = tile.top * s.scale, left = tile.left * s.scale;
  const std::ptrdiff_t width = std::ptrdiff_t{tile.width} * s.scale, height = std::ptrdiff_t{tile.height} * s.scale;
  for (int c = 0; c < s.channels; ++c)
    for (int r = 0; r < tile.rows * s.scale; ++r)
      std::copy_n(p.at(c, top - p.top + r, left - p.left), tile.columns * s.scale,
                  y + (c * height + top + r) * width + left);
}

}  // namespace subpixel
