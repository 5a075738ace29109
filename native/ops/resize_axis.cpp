// Builds the tables of one axis of a resize.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <stdexcept>

#include "subpixel/resize.hpp"

namespace subpixel {

// More channels than these are summed as they are, or transposed.
constexpr int kMostChannels = 4;

struct ResizeAxis::WindowCache {
  std::mutex guard;
  std::map<int, std::shared_ptr<const WindowTable>> window_table;
};

ResizeAxis::ResizeAxis(int n_in, int n_out, int taps, const int* index)
    : n_in_(n_in), n_out_(n_out), taps_(taps), index_(index, index + std::ptrdiff_t{n_out} * taps),
      cache_(std::make_shared<WindowCache>()) {
  run_length_.assign(n_out, 1);
  for (int k = n_out - 1; k >= 0; --k) {
    const int *row = this->index(k), *end = row + taps;
    const auto [low, high] = std::minmax_element(row, end);
    if (*low < 0 || *high >= n_in) throw std::invalid_argument("an index is not within the axis");
    span_ = std::max(span_, *high - *low + 1);
    if (k + 1 < n_out && std::equal(row, end, end))
      run_length_[k] = static_cast<unsigned char>(std::min(run_length_[k + 1] + 1, kMaxRun));
  }
}

void ResizeAxis::set_weights(const float* weight) {
  sums_ = Kind::f32;
  f32_.assign(weight, weight + index_.size());
}

void ResizeAxis::set_weights(const double* weight) {
  sums_ = Kind::f64;
  f64_.assign(weight, weight + index_.size());
}

void ResizeAxis::set_weights(const int* weight) {
  sums_ = Kind::i32;
  i32_.assign(weight, weight + index_.size());
  for (int w : i32_)
    if (w <= -(1 << 30) || w >= 1 << 30) throw std::invalid_argument("a weight is 2^30 or more");
  pad_to_even_taps();
  for (int w : i32_) short_ = short_ && std::abs(w) < 1 << 15;
  const auto halves = [](int first, int second) {
    return static_cast<int>((static_cast<unsigned>(first) & 0xffff) | static_cast<unsigned>(second) << 16);
  };
  for (std::size_t i = 0; i < i32_.size(); i += 2) {
    const int first = i32_[i], second = i32_[i + 1];
    low_.push_back(short_ ? halves(first, second) : halves(first & 0x7fff, second & 0x7fff));
    if (!short_) high_.push_back(halves(first >> 15, second >> 15));
  }
}

// Fixed-point kernels take taps by twos.
void ResizeAxis::pad_to_even_taps() {
  if (taps_ % 2 == 0) return;
  std::vector<int> index, weight;
  for (int k = 0; k < n_out_; ++k) {
    const std::ptrdiff_t first = std::ptrdiff_t{k} * taps_;
    index.insert(index.end(), index_.begin() + first, index_.begin() + first + taps_);
    weight.insert(weight.end(), i32_.begin() + first, i32_.begin() + first + taps_);
    index.push_back(index.back());
    weight.push_back(0);
  }
  ++taps_;
  index_.swap(index);
  i32_.swap(weight);
}

void ResizeAxis::set_outside(const unsigned char* outside) { outside_.assign(outside, outside + n_out_); }

void ResizeAxis::reach(int first, int outputs, int& low, int& high) const {
  const auto ends = std::minmax_element(index(first), index(first) + std::ptrdiff_t{outputs} * taps_);
  low = *ends.first;
  high = *ends.second;
}

void ResizeAxis::describe(Kind from, int first, int outputs, RowSums& w) const {
  const std::ptrdiff_t start = std::ptrdiff_t{first} * taps_;
  w.index = index(first);
  w.taps = taps_;
  w.outputs = outputs;
  w.run_length = run_length_.data() + first;
  w.outside = outside_.empty() ? nullptr : outside_.data() + first;
  w.high = nullptr;
  switch (from) {
    case Kind::f32: w.weight = f32_.data() + start; break;
    case Kind::f64: w.weight = f64_.data() + start; break;
    case Kind::i32: w.weight = i32_.data() + start; break;
    default:
      w.weight = low_.data() + start / 2;
      if (!short_) w.high = high_.data() + start / 2;
  }
}

std::shared_ptr<const WindowTable> ResizeAxis::window_table(int channels) const {
  if (channels > kMostChannels || taps_ > kWindow || sums_ != Kind::i32) return nullptr;
  const std::lock_guard<std::mutex> lock(cache_->guard);
  const auto found = cache_->window_table.find(channels);
  if (found != cache_->window_table.end()) return found->second;
  return cache_->window_table[channels] = make_window_table(channels);
}

std::shared_ptr<const WindowTable> ResizeAxis::make_window_table(int channels) const {
  constexpr int kBytes = 16, kTogether = 4 * kWindow;
  // Products of two bytes with the higher parts of their weights must fit in 16 bits.
  for (int w : i32_)
    if (w < -64 * 32 || w >= 65 * 32) return nullptr;
  const std::ptrdiff_t row = std::ptrdiff_t{n_in_} * channels, samples = std::ptrdiff_t{n_out_} * channels;
  if (row < kBytes) return nullptr;
  auto window_table = std::make_shared<WindowTable>();
  for (std::ptrdiff_t first = 0; first < (samples + kTogether - 1) / kTogether * kTogether; first += kWindow) {
    std::ptrdiff_t place[kWindow][kWindow] = {}, low = row - kBytes, high = 0;
    int weight[kWindow][kWindow] = {};
    for (int k = 0; k < kWindow && first + k < samples; ++k) {
      const std::ptrdiff_t output = (first + k) / channels, channel = (first + k) % channels;
      for (int t = 0; t < taps_; ++t) {
        place[k][t] = index(static_cast<int>(output))[t] * std::ptrdiff_t{channels} + channel;
        weight[k][t] = i32_[output * taps_ + t];
        low = std::min(low, place[k][t]);
        high = std::max(high, place[k][t]);
      }
    }
    if (high - low >= kBytes) return nullptr;
    window_table->start.push_back(static_cast<int>(low));
    for (int k = 0; k < kWindow; ++k)
      for (int t = 0; t < kWindow; ++t) {
        window_table->table.push_back(weight[k][t] ? static_cast<unsigned char>(place[k][t] - low) : 0);
        window_table->low.push_back(static_cast<unsigned char>(weight[k][t] & 31));
        window_table->high.push_back(static_cast<unsigned char>(weight[k][t] >> 5));
      }
  }
  return window_table;
}

}  // namespace subpixel
