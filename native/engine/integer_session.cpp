#include "subpixel/integer_session.hpp"

#include <memory>

#include "subpixel/dispatch.hpp"

namespace subpixel {
namespace {

constexpr int kMaxScale = 64;

}  // namespace

IntegerSession::IntegerSession(const ChainShape& shape, int threads, const std::string& target)
    : ChainSession(shape, threads, target, kernels_int(target).group), kernels_(kernels_int(target)) {}

void IntegerSession::add(const IntegerLayer& layer) {
  const int group = kernels_.group;
  const Window w = window(layer.kernel_h);
  const Taps taps{w.rows, w.groups, layer.kernel_w};
  std::vector<Cell> weight;
  Packed p{};
  p.activation = layer.activation;
  p.zero = layer.zero;
  p.skip_zero = layer.skip < 0 ? 0 : packed_[layer.skip].zero;
  p.skip_gain = layer.skip_gain;
  const auto at = [&](int o, int i, int ky, int kx) -> std::int8_t {
    if (o >= layer.out_channels || i >= layer.in_channels || ky >= layer.kernel_h) return 0;
    return layer.weight[((static_cast<std::size_t>(o) * layer.in_channels + i) * layer.kernel_h + ky) * layer.kernel_w + kx];
  };
  // Cells of four channels are made whole; a last layer's channels stay single.
  const int wanted = layer.last ? layer.out_channels : (layer.out_channels + 3) / 4 * 4;
  for (int from = 0, count; from < wanted; from += count) {
    count = kernels_.block(wanted - from);
    std::vector<Cell> block;
    for (int r = 0; r < w.rows; ++r)
      for (int g = 0; g < w.groups; ++g)
        for (int kx = 0; kx < layer.kernel_w; ++kx)
          for (int o = from; o < from + count; ++o) {
            Cell cell = 0;
            for (int k = 0; k < group; ++k) {
              const int one = w.vertical ? at(o, 0, r * group + k, kx) : at(o, g * group + k, r, kx);
              cell |= (static_cast<Cell>(one) & (group == 4 ? 0xffu : 0xffffu)) << (k * 32 / group);
            }
            block.push_back(cell);
          }
    add_block(weight, block, count, taps, kernels_.packing);
    p.channels = from + count;
  }
  p.weight = in_lines(weight);
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
  add_layer(layer.kernel_h, layer.kernel_w, layer.out_channels, p.channels, layer.skip,
            kernels_.packing != nullptr && kernels_.packing->together(taps));
  packed_.push_back(std::move(p));
}

void IntegerSession::conv(const RowPlace& place, int layer) const {
  const Packed& p = packed_[layer];
  kernels_.conv({place, p.weight.data()->cells,
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
      const std::int16_t* z[kMaxScale];
      for (int c = 0; c < shape.channels; ++c) {
        const std::ptrdiff_t line = std::ptrdiff_t{c} * of_.height_ + row;
        const std::uint8_t* base = shape.base ? of_.x_ + line * of_.width_ + left_ : none_.data();
        for (int i = 0; i < r; ++i) {
          of_.session_.phases(last, c, i, 0, r, z);
          of_.session_.kernels_.merge_u8(z, base, r, columns_, of_.y_ + ((line * r + i) * of_.width_ + left_) * r);
        }
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
