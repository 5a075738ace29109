#include "subpixel/integer_session.hpp"

#include <cstdlib>
#include <memory>

#include "subpixel/dispatch.hpp"
#include "subpixel/winograd.hpp"

namespace subpixel {
namespace {

constexpr int kMaxScale = 64;

}  // namespace

IntegerSession::IntegerSession(const ChainShape& shape, int threads, const std::string& target)
    : ChainSession(shape, threads, target, kernels_int(target).group), kernels_(kernels_int(target)) {}

// Channels that blocks of weights are made of: cells of four channels are whole, a last layer's channels single.
int IntegerSession::wanted(const IntegerLayer& layer) {
  return layer.last ? layer.out_channels : (layer.out_channels + 3) / 4 * 4;
}

void IntegerSession::add(const IntegerLayer& layer) {
  const Window w = window(layer.kernel_h);
  const Taps taps{w.rows, w.groups, layer.kernel_w};
  Packed p{};
  p.activation = layer.activation;
  p.zero = layer.zero;
  p.skip_zero = layer.skip < 0 ? 0 : packed_[layer.skip].zero;
  p.skip_gain = layer.skip_gain;
  p.winograd = !w.vertical && fits_winograd(layer);
  p.bias = layer.bias;
  p.shift = layer.shift;
  p.weight = in_lines(p.winograd ? pack_winograd(layer, w, p) : pack(layer, w, p));
  const auto wide = static_cast<std::size_t>(p.channels);
  p.bias.resize(wide);
  p.shift.resize(wide);
  for (std::size_t c = 0; c < wide; ++c) {
    const bool real = c < static_cast<std::size_t>(layer.out_channels);
    p.multiplier.insert(p.multiplier.end(), 4, real ? layer.multiplier[c] : std::int16_t{0});
    p.slope.insert(p.slope.end(), 4, real && !layer.slope.empty() ? layer.slope[c] : std::int16_t{0});
  }
  add_layer(layer.kernel_h, layer.kernel_w, layer.out_channels, p.channels, layer.skip,
            p.winograd ? Way::winograd : way_of(kernels_.packing, taps));
  packed_.push_back(std::move(p));
}

std::vector<Cell> IntegerSession::pack(const IntegerLayer& layer, const Window& w, Packed& p) const {
  const int group = kernels_.group, all = wanted(layer);
  std::vector<Cell> weight;
  for (int from = 0, count; from < all; from += count) {
    count = kernels_.block(all - from);
    std::vector<Cell> block;
    for (int r = 0; r < w.rows; ++r)
      for (int g = 0; g < w.groups; ++g)
        for (int kx = 0; kx < layer.kernel_w; ++kx)
          for (int o = from; o < from + count; ++o) {
            Cell cell = 0;
            for (int k = 0; k < group; ++k) {
              const int one = w.vertical ? layer.at(o, 0, r * group + k, kx) : layer.at(o, g * group + k, r, kx);
              cell |= (static_cast<Cell>(one) & (group == 4 ? 0xffu : 0xffffu)) << (k * 32 / group);
            }
            block.push_back(cell);
          }
    add_block(weight, block, count, {w.rows, w.groups, layer.kernel_w}, kernels_.packing);
    p.channels = from + count;
  }
  return weight;
}

// Sums are made 24 times as large, and then 8 times with their bias: both must fit 32 bits.
bool IntegerSession::fits_winograd(const IntegerLayer& layer) const {
  if (kernels_.winograd.conv == nullptr || layer.kernel_w != 3) return false;
  const std::ptrdiff_t taps = std::ptrdiff_t{layer.in_channels} * layer.kernel_h * layer.kernel_w;
  constexpr std::int64_t most = std::int64_t{1} << 31;
  for (int o = 0; o < layer.out_channels; ++o) {
    std::int64_t sum = 0;
    for (std::ptrdiff_t k = 0; k < taps; ++k) sum += 255 * std::abs(static_cast<int>(layer.weight[o * taps + k]));
    if (kWinogradDivisor * sum >= most || 8 * (sum + std::abs(std::int64_t{layer.bias[o]})) >= most) return false;
  }
  return true;
}

std::vector<Cell> IntegerSession::pack_winograd(const IntegerLayer& layer, const Window& w, Packed& p) const {
  // In the order in which they are summed.
  constexpr int parts[kWinogradParts] = {1, 2, 3, 4, 0, 5};
  const int all = wanted(layer);
  std::vector<Cell> weight;
  for (int from = 0, count; from < all; from += count) {
    count = kernels_.block(all - from);
    for (int part : parts)
      for (int r = 0; r < w.rows; ++r)
        for (int g = 0; g < w.groups; ++g)
          for (int o = from; o < from + count; ++o) {
            Cell cell = 0;
            for (int k = 0; k < 2; ++k) {
              int sum = 0;
              for (int kx = 0; kx < 3; ++kx) sum += kWinogradWeights[part][kx] * layer.at(o, 2 * g + k, r, kx);
              cell |= (static_cast<Cell>(sum) & 0xffffu) << (16 * k);
            }
            weight.push_back(cell);
          }
    p.channels = from + count;
  }
  for (std::int32_t& b : p.bias) b *= 8;
  for (std::int32_t& s : p.shift) s += 3;
  return weight;
}

void IntegerSession::conv(const RowPlace& place, int layer) const {
  const Packed& p = packed_[layer];
  (p.winograd ? kernels_.winograd.conv : kernels_.conv)({place, p.weight.data()->cells,
                 {p.bias.data(), p.shift.data(), p.multiplier.data(), p.slope.data(), p.activation, p.zero},
                 p.channels, p.skip_zero, p.skip_gain});
}

Cell IntegerSession::zero(int layer) const {
  Cell cell = 0;
  for (int k = 0; k < kernels_.group; ++k) cell |= static_cast<Cell>(packed_[layer].zero) << (k * 32 / kernels_.group);
  return cell;
}

void IntegerSession::phases(const LastRow& last, int channel, int i, int j, int r, const std::int16_t** z) const {
  for (int k = 0; k < r; ++k)
    z[k] = static_cast<const std::int16_t*>(last.values) + phase(channel, i, j + k) * last.stride;
}

void IntegerSession::merge(const LastRow& last, int channel, int i, int j, int r, const float* base, int n, float* to) const {
  const std::int16_t* z[kMaxScale];
  phases(last, channel, i, j, r, z);
  kernels_.merge_f32(z, base, r, n, to);
}

bool IntegerSession::merge_bytes(const LastRow& last, int channel, int i, int j, int r, const std::uint8_t* base, int n,
                                 std::uint8_t* to) const {
  const std::int16_t* z[kMaxScale];
  phases(last, channel, i, j, r, z);
  kernels_.merge_u8(z, base, r, n, to);
  return true;
}

// Planes of bytes: their base is added as what it is.
class IntegerSession::Bytes : public Feed {
 public:
  Bytes(const IntegerSession& session, const std::uint8_t* x, int height, int width, std::uint8_t* y)
      : session_(session), x_(x), height_(height), width_(width), y_(y) {}

  void fetch(int channel, int row, int left, int count, float* to) const override {
    const std::uint8_t* from = x_ + (std::ptrdiff_t{channel} * height_ + row) * width_ + left;
    for (int k = 0; k < count; ++k) to[k] = static_cast<float>(from[k]) * (1.0f / 255.0f);
  }
  std::unique_ptr<Rows> rows(int left, int columns) const override { return std::make_unique<Strip>(*this, left, columns); }

 private:
  class Strip : public Rows {
   public:
    Strip(const Bytes& of, int left, int columns)
        : of_(of), left_(left), columns_(columns),
          none_(of.session_.shape().base ? 0 : static_cast<std::size_t>(columns)) {}
    void merge(int row, const LastRow& last) override {
      const ChainShape& shape = of_.session_.shape();
      const int r = shape.scale;
      for (int c = 0; c < shape.channels; ++c) {
        const std::ptrdiff_t line = std::ptrdiff_t{c} * of_.height_ + row;
        const std::uint8_t* base = shape.base ? of_.x_ + line * of_.width_ + left_ : none_.data();
        for (int i = 0; i < r; ++i)
          of_.session_.merge_bytes(last, c, i, 0, r, base, columns_, of_.y_ + ((line * r + i) * of_.width_ + left_) * r);
      }
    }

   private:
    const Bytes& of_;
    int left_, columns_;
    std::vector<std::uint8_t> none_;
  };

  const IntegerSession& session_;
  const std::uint8_t* x_;
  int height_, width_;
  std::uint8_t* y_;
};

void IntegerSession::run(const std::uint8_t* x, int height, int width, std::uint8_t* y) const {
  run_feed(Bytes(*this, x, height, width, y), height, width);
}

}  // namespace subpixel
