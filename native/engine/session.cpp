// Runs f32 networks of any graph tile by tile.
#include "subpixel/session.hpp"

#include <algorithm>
#include <stdexcept>

#include "subpixel/dispatch.hpp"
#include "subpixel/parallel.hpp"

namespace subpixel {
namespace {

// The bytes that a tile's two largest neighbouring values may take: half of a common second-level cache.
constexpr std::ptrdiff_t kTileBytes = 512 * 1024;
constexpr int kTileColumns = 144;  // a multiple of every target's column block

struct Plane {
  std::vector<float> data;
  int rows = 0, columns = 0;
  std::ptrdiff_t row = 0, plane = 0;

  // Reuses the memory of earlier tiles. Values beyond the columns are never part of a result.
  void shape(int channels, int r, int c) {
    rows = r;
    columns = c;
    row = c + kVectorSlack;
    plane = row * r;
    const auto need = static_cast<std::size_t>(plane * channels + kVectorSlack);
    if (data.size() < need) data.resize(need);
  }
  float* at(int channel, int y, int x = 0) { return data.data() + channel * plane + y * row + x; }
  const float* at(int channel, int y, int x = 0) const { return data.data() + channel * plane + y * row + x; }
};

}  // namespace

struct Tile {
  const float* x;
  float* y;
  int height, width;              // of the whole input
  int top, left, rows, columns;  // of this tile in the input
  std::vector<Plane> values;
};

Session::Session(int channels, int scale, int halo, bool zero_border, int threads, const std::string& target)
    : scale_(scale), halo_(halo), threads_(threads), zero_border_(zero_border), kernels_(*find_target(target).conv),
      target_(find_target(target).name) {
  if (channels < 1 || scale < 1 || halo < 0 || threads < 1)
    throw std::invalid_argument("channels, scale and threads must be at least 1, halo at least 0");
  values_.push_back({channels, 1, 0});
}

Session::~Session() = default;

void Session::add_conv(ValueShape shape, int source, int kernel_h, int kernel_w, const float* weight,
                       const float* bias, Activation activation, const float* slope) {
  const int block = kernels_.channel_block;
  const int blocks = (shape.channels + block - 1) / block;
  const int taps = values_.at(source).channels * kernel_h * kernel_w;
  ConvStep step{source, kernel_h, kernel_w, activation, {}, {}, {}};
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

void Session::tile_size(int& rows, int& columns) const {
  std::ptrdiff_t most = 1;
  for (std::size_t v = 1; v < values_.size(); ++v) {
    const auto cost = [&](std::size_t k) {
      return std::ptrdiff_t{values_[k].channels} * values_[k].scale * values_[k].scale * 4;
    };
    most = std::max(most, cost(v) + cost(v - 1));
  }
  columns = kTileColumns;
  rows = static_cast<int>(std::clamp<std::ptrdiff_t>(kTileBytes / (most * columns), 8, 64));
}

void Session::run(const float* x, int height, int width, float* y) const {
  if (steps_.empty()) throw std::logic_error("a session without layers");
  if (height < 1 || width < 1) return;
  int tile_rows, tile_columns;
  tile_size(tile_rows, tile_columns);
  const int down = (height + tile_rows - 1) / tile_rows, across = (width + tile_columns - 1) / tile_columns;
  parallel(std::ptrdiff_t{down} * across, threads_, [&](const auto& next) {
    Tile tile{x, y, height, width, 0, 0, 0, 0, std::vector<Plane>(values_.size())};
    for (std::ptrdiff_t k = next(); k < std::ptrdiff_t{down} * across; k = next()) {
      tile.top = static_cast<int>(k / across) * tile_rows;
      tile.left = static_cast<int>(k % across) * tile_columns;
      tile.rows = std::min(tile_rows, height - tile.top);
      tile.columns = std::min(tile_columns, width - tile.left);
      run_tile(tile);
    }
  });
}

void Session::run_tile(Tile& tile) const {
  for (std::size_t v = 0; v < values_.size(); ++v) {
    const ValueShape& s = values_[v];
    tile.values[v].shape(s.channels, (tile.rows + 2 * halo_) * s.scale - 2 * s.lost,
                         (tile.columns + 2 * halo_) * s.scale - 2 * s.lost);
  }
  load_input(tile);
  for (std::size_t k = 0; k < steps_.size(); ++k) {
    const int value = static_cast<int>(k) + 1;
    std::visit(
        [&](const auto& step) {
          using T = std::decay_t<decltype(step)>;
          if constexpr (std::is_same_v<T, ConvStep>) conv(tile, step, value);
          else if constexpr (std::is_same_v<T, AddStep>) add(tile, step, value);
          else if constexpr (std::is_same_v<T, ConcatStep>) concat(tile, step, value);
          else if constexpr (std::is_same_v<T, ResizeStep>) resize(tile, step, value);
          else shuffle(tile, step, value);
        },
        steps_[k]);
    if (zero_border_) zero_outside(tile, value);
  }
  store_result(tile);
}

// Loads the tile of the input with its halo. Outside the image its edge is repeated, or there are zeros.
void Session::load_input(Tile& tile) const {
  Plane& to = tile.values[0];
  for (int c = 0; c < values_[0].channels; ++c) {
    const float* plane = tile.x + static_cast<std::ptrdiff_t>(c) * tile.height * tile.width;
    for (int r = 0; r < to.rows; ++r) {
      const int y = std::clamp(tile.top - halo_ + r, 0, tile.height - 1);
      const float* from = plane + static_cast<std::ptrdiff_t>(y) * tile.width;
      float* out = to.at(c, r);
      for (int k = 0; k < to.columns; ++k) out[k] = from[std::clamp(tile.left - halo_ + k, 0, tile.width - 1)];
    }
  }
  if (zero_border_) zero_outside(tile, 0);
}

void Session::conv(Tile& tile, const ConvStep& step, int value) const {
  const Plane& x = tile.values[step.source];
  Plane& y = tile.values[value];
  const int half = std::max(step.kernel_h, step.kernel_w) / 2;
  const float* from = x.at(0, half - step.kernel_h / 2, half - step.kernel_w / 2);
  kernels_.conv({from, x.plane, x.row, y.at(0, 0), y.plane, y.row, y.rows, y.columns, values_[step.source].channels,
                 values_[value].channels, step.kernel_h, step.kernel_w, step.weight.data(), step.bias.data(),
                 step.slope.data(), step.activation});
}

void Session::add(Tile& tile, const AddStep& step, int value) const {
  Plane& y = tile.values[value];
  for (std::size_t n = 0; n < step.sources.size(); ++n) {
    const Plane& x = tile.values[step.sources[n]];
    const int crop = values_[value].lost - values_[step.sources[n]].lost;
    for (int c = 0; c < values_[value].channels; ++c)
      for (int r = 0; r < y.rows; ++r) {
        const float* from = x.at(c, r + crop, crop);
        float* to = y.at(c, r);
        if (n == 0) std::copy_n(from, y.columns, to);
        else for (int k = 0; k < y.columns; ++k) to[k] += from[k];
      }
  }
}

void Session::concat(Tile& tile, const ConcatStep& step, int value) const {
  Plane& y = tile.values[value];
  int channel = 0;
  for (int source : step.sources) {
    const Plane& x = tile.values[source];
    const int crop = values_[value].lost - values_[source].lost;
    for (int c = 0; c < values_[source].channels; ++c, ++channel)
      for (int r = 0; r < y.rows; ++r) std::copy_n(x.at(c, r + crop, crop), y.columns, y.at(channel, r));
  }
}

// Rows first, then columns. With a zero border the source is clamped to the image, since only zeros lie outside.
void Session::resize(Tile& tile, const ResizeStep& step, int value) const {
  const Plane& x = tile.values[step.source];
  Plane& y = tile.values[value];
  const ValueShape& from = values_[step.source];
  const int skip = values_[value].lost;
  // The source sample under output sample k of the padded tile is k / factor; both count from the edge of the halo.
  const auto clamped = [&](int index, int origin, int side, int have) {
    if (zero_border_) index = std::clamp(index, -origin, side - 1 - origin);
    return std::clamp(index - from.lost, 0, have - 1);
  };
  std::vector<float> line(static_cast<std::size_t>(x.columns));
  const int origin_y = (tile.top - halo_) * from.scale, origin_x = (tile.left - halo_) * from.scale;
  for (int c = 0; c < from.channels; ++c)
    for (int r = 0; r < y.rows; ++r) {
      const int out_r = r + skip, phase_y = out_r % step.factor;
      std::fill(line.begin(), line.end(), 0.0f);
      for (int t = 0; t < step.taps; ++t) {
        const int k = phase_y * step.taps + t;
        const float* source =
            x.at(c, clamped(out_r / step.factor + step.offset[k], origin_y, tile.height * from.scale, x.rows));
        for (int i = 0; i < x.columns; ++i) line[i] += step.weight[k] * source[i];
      }
      float* to = y.at(c, r);
      for (int i = 0; i < y.columns; ++i) {
        const int out_c = i + skip, phase_x = out_c % step.factor;
        float sum = 0.0f;
        for (int t = 0; t < step.taps; ++t) {
          const int k = phase_x * step.taps + t;
          sum += step.weight[k] *
                 line[clamped(out_c / step.factor + step.offset[k], origin_x, tile.width * from.scale, x.columns)];
        }
        to[i] = sum;
      }
    }
}

void Session::shuffle(Tile& tile, const ShuffleStep& step, int value) const {
  const Plane& x = tile.values[step.source];
  Plane& y = tile.values[value];
  const int r = step.factor, channels = values_[value].channels;
  for (int c = 0; c < channels; ++c)
    for (int i = 0; i < r; ++i)
      for (int j = 0; j < r; ++j) {
        const int channel = step.crd ? c * r * r + i * r + j : (i * r + j) * channels + c;
        for (int h = 0; h < x.rows; ++h) {
          const float* from = x.at(channel, h);
          float* to = y.at(c, h * r + i, j);
          for (int w = 0; w < x.columns; ++w) to[w * r] = from[w];
        }
      }
}

// Samples outside the image count as zeros for the next layer.
void Session::zero_outside(Tile& tile, int value) const {
  const ValueShape& s = values_[value];
  Plane& p = tile.values[value];
  const int top = (tile.top - halo_) * s.scale + s.lost, left = (tile.left - halo_) * s.scale + s.lost;
  const int first_row = std::clamp(-top, 0, p.rows), last_row = std::clamp(tile.height * s.scale - top, 0, p.rows);
  const int first = std::clamp(-left, 0, p.columns), last = std::clamp(tile.width * s.scale - left, 0, p.columns);
  for (int c = 0; c < s.channels; ++c)
    for (int r = 0; r < p.rows; ++r) {
      float* row = p.at(c, r);
      const bool inside = r >= first_row && r < last_row;
      std::fill(row, row + (inside ? first : p.columns), 0.0f);
      if (inside) std::fill(row + last, row + p.columns, 0.0f);
    }
}

void Session::store_result(Tile& tile) const {
  const int value = static_cast<int>(values_.size()) - 1;
  const Plane& p = tile.values[value];
  const int crop = halo_ * scale_ - values_[value].lost;
  const std::ptrdiff_t width = std::ptrdiff_t{tile.width} * scale_, height = std::ptrdiff_t{tile.height} * scale_;
  for (int c = 0; c < values_[value].channels; ++c)
    for (int r = 0; r < tile.rows * scale_; ++r) {
      float* to = tile.y + (c * height + std::ptrdiff_t{tile.top} * scale_ + r) * width +
                  std::ptrdiff_t{tile.left} * scale_;
      std::copy_n(p.at(c, r + crop, crop), tile.columns * scale_, to);
    }
}

}  // namespace subpixel
