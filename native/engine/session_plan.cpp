// Plans of f32 networks: how far each value reaches beyond a tile, which values share memory, and the size of tiles.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "subpixel/session.hpp"

namespace subpixel {
namespace {

// The values of all tiles at once, and of the tile of one thread. A deep network has large surroundings, which are
// computed again for every tile, so its tiles should be large.
constexpr double kMiB = 1 << 20, kAllBytes = 512 * kMiB, kMostTileBytes = 128 * kMiB, kLeastTileBytes = 16 * kMiB;

// What moving a byte of a value costs, in multiply-adds of one channel: within a common second-level cache, and beyond.
constexpr double kCacheBytes = kMiB, kNearByte = 0.5, kFarByte = 3;

// How far from the sample under it an output reads.
std::ptrdiff_t reach_of(const ResizeStep& step) {
  std::ptrdiff_t reach = 0;
  for (int offset : step.offset) reach = std::max<std::ptrdiff_t>(reach, std::abs(std::ptrdiff_t{offset}));
  return reach;
}

std::ptrdiff_t rounded_up(std::ptrdiff_t value, std::ptrdiff_t step) { return (value + step - 1) / step * step; }

}  // namespace

std::vector<Need> needs_of(const Step& step, std::ptrdiff_t margin) {
  return std::visit(
      [&](const auto& s) -> std::vector<Need> {
        using T = std::decay_t<decltype(s)>;
        if constexpr (std::is_same_v<T, ConvStep>) {
          return {{s.source, margin * s.stride + std::max(s.kernel_h, s.kernel_w) / 2}};
        } else if constexpr (std::is_same_v<T, ResizeStep>) {
          return {{s.source, (margin + s.factor - 1) / s.factor + reach_of(s)}};
        } else if constexpr (std::is_same_v<T, ShuffleStep>) {
          return {{s.source, (margin + s.factor - 1) / s.factor}};
        } else if constexpr (std::is_same_v<T, WarpStep>) {
          return {{s.flow, margin}};
        } else {
          std::vector<Need> needs;
          for (int source : s.sources) needs.push_back({source, margin});
          return needs;
        }
      },
      step);
}

// From the last value to the first: what reads a value is planned before it.
void Session::place_values() {
  std::vector<std::ptrdiff_t> margin(values_.size(), -1);
  std::vector<Place> places(values_.size());
  for (int value : outputs_) margin[value] = 0;
  for (int value = static_cast<int>(values_.size()) - 1; value >= 0; --value) {
    if (margin[value] < 0) continue;
    if (margin[value] > kMaxMargin) throw std::invalid_argument("a layer reaches too far");
    places[value].margin = static_cast<int>(margin[value]);
    if (value < inputs_) continue;
    const Step& step = steps_[value - inputs_];
    if (const auto* conv = std::get_if<ConvStep>(&step)) {
      int& ring = places[conv->source].ring;
      ring = std::max(ring, std::max(conv->kernel_h, conv->kernel_w) / 2);
    }
    for (const Need& need : needs_of(step, margin[value])) {
      margin[need.source] = std::max(margin[need.source], need.margin);
      places[need.source].last_use = std::max(places[need.source].last_use, value);
    }
  }
  // A value takes the first buffer that is free, so few are used. An output is stored as soon as it is there.
  std::vector<int> busy_until;
  const auto take = [&](int value, int now) {
    std::size_t k = 0;
    while (k < busy_until.size() && busy_until[k] >= now) ++k;
    if (k == busy_until.size()) busy_until.push_back(0);
    busy_until[k] = std::max(places[value].last_use, now);
    places[value].buffer = static_cast<int>(k);
  };
  for (int value = 0; value < static_cast<int>(values_.size()); ++value)
    if (margin[value] >= 0) take(value, value < inputs_ ? 0 : value);
  buffers_ = static_cast<int>(busy_until.size());
  places_ = std::move(places);
}

// The first sample of a value in a tile that starts at this unit.
int Session::first_sample(int value, int start) const {
  const int first = start * values_[value].scale - places_[value].margin;
  return zero_border_ ? std::max(first, -places_[value].ring) : first;
}

// The sample after the last, in a tile that ends before this unit, in an image of `all` units.
int Session::end_sample(int value, int end, int all) const {
  const int scale = values_[value].scale, last = end * scale + places_[value].margin;
  return zero_border_ ? std::min(last, all * scale + places_[value].ring) : last;
}

// The side of a value within a tile of so many units, at most: at the image's edges some tiles have less.
std::ptrdiff_t Session::side(int value, int units, int all) const {
  const std::ptrdiff_t scale = values_[value].scale;
  const std::ptrdiff_t whole = units * scale + 2 * std::ptrdiff_t{places_[value].margin};
  return zero_border_ ? std::min(whole, all * scale + 2 * std::ptrdiff_t{places_[value].ring}) : whole;
}

double Session::tile_bytes(TileSize size, TileSize image) const {
  std::vector<double> bytes(static_cast<std::size_t>(buffers_));
  for (std::size_t v = 0; v < places_.size(); ++v) {
    if (places_[v].buffer < 0) continue;
    const int value = static_cast<int>(v);
    double& buffer = bytes[places_[v].buffer];
    const double rows = static_cast<double>(side(value, size.rows, image.rows));
    buffer = std::max(buffer, 4.0 * values_[v].channels * rows *
                                  static_cast<double>(side(value, size.columns, image.columns) + kVectorSlack));
  }
  return std::accumulate(bytes.begin(), bytes.end(), 0.0);
}

// The work of a tile, in multiply-adds.
double Session::tile_cost(TileSize size, TileSize image, double bytes) const {
  const double byte = bytes <= kCacheBytes ? kNearByte : kFarByte;
  double cost = 0;
  for (std::size_t k = 0; k < steps_.size(); ++k) {
    const int value = static_cast<int>(k) + inputs_;
    if (value >= static_cast<int>(places_.size()) || places_[value].buffer < 0) continue;
    const auto* conv = std::get_if<ConvStep>(&steps_[k]);
    const double rows = static_cast<double>(side(value, size.rows, image.rows));
    const std::ptrdiff_t columns = side(value, size.columns, image.columns);
    const int channels = values_[value].channels;
    double work = 2 * 4 * byte * channels;  // written, and read by what follows
    if (conv) work += static_cast<double>(conv->kernel_h) * conv->kernel_w * values_[conv->source].channels * channels;
    cost += rows * static_cast<double>(conv ? rounded_up(columns, kernels_.column_block) : columns) * work;
  }
  return cost;
}

// The size with the least work for the thread that has most of it, among those that fit into memory. If surroundings
// alone take more than that, tiles may take twice as much as they. Results do not depend on the size.
Session::TileSize Session::choose_tile(int height, int width) const {
  const TileSize image{height, width};
  const double limit =
      std::max(std::clamp(kAllBytes / threads_, kLeastTileBytes, kMostTileBytes), 2 * tile_bytes({1, 1}, image));
  TileSize best{1, 1};
  double least = -1;
  // Numbers of tiles along an axis, each about a quarter larger than the one before.
  const auto more = [](int count) { return count + std::max(1, count / 4); };
  for (int down = 1; down <= height; down = more(down))
    for (int across = 1; across <= width; across = more(across)) {
      const TileSize size{(height + down - 1) / down, (width + across - 1) / across};
      const double bytes = tile_bytes(size, image);
      if (bytes > limit) continue;
      const double rounds = std::ceil(static_cast<double>(down) * across / threads_);
      const double cost = tile_cost(size, image, bytes) * rounds;
      if (least >= 0 && cost >= least) continue;
      least = cost;
      best = size;
    }
  return best;
}

}  // namespace subpixel
