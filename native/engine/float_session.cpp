#include "subpixel/float_session.hpp"

#include "subpixel/dispatch.hpp"

namespace subpixel {
namespace {

constexpr int kMaxScale = 64;

const KernelsFloat& kernels_of(FloatPrecision precision, const std::string& target) {
  return precision == FloatPrecision::f32 ? chain_f32(target) : chain_bf16(target);
}

}  // namespace

FloatSession::FloatSession(FloatPrecision precision, const ChainShape& shape, int threads, const std::string& target)
    : ChainSession(shape, threads, target, kernels_of(precision, target).group), kernels_(kernels_of(precision, target)) {}

void FloatSession::add(const FloatLayer& layer) {
  const int group = kernels_.group;
  const Window w = window(layer.kernel_h);
  const Taps taps{w.rows, w.groups, layer.kernel_w};
  std::vector<Cell> weight;
  Packed p{};
  p.activation = layer.activation;
  const auto at = [&](int o, int i, int ky, int kx) {
    if (o >= layer.out_channels || i >= layer.in_channels || ky >= layer.kernel_h) return 0.0f;
    return layer.weight[((static_cast<std::size_t>(o) * layer.in_channels + i) * layer.kernel_h + ky) * layer.kernel_w + kx];
  };
  // Cells are made whole; a last layer's channels stay single.
  const int wanted = layer.last ? layer.out_channels : (layer.out_channels + group - 1) / group * group;
  for (int from = 0, count; from < wanted; from += count) {
    count = kernels_.block(wanted - from);
    std::vector<Cell> block;
    for (int r = 0; r < w.rows; ++r)
      for (int g = 0; g < w.groups; ++g)
        for (int kx = 0; kx < layer.kernel_w; ++kx)
          for (int o = from; o < from + count; ++o) {
            Cell cell = 0;
            for (int k = 0; k < group; ++k) {
              const float value = w.vertical ? at(o, 0, r * group + k, kx) : at(o, g * group + k, r, kx);
              Cell one;
              kernels_.encode(&value, 1, &one);
              cell |= one << (k * 32 / group);
            }
            block.push_back(cell);
          }
    add_block(weight, block, count, taps, kernels_.packing);
    p.channels = from + count;
  }
  p.weight = in_lines(weight);
  p.bias = layer.bias;
  p.slope = layer.slope;
  p.bias.resize(static_cast<std::size_t>(p.channels));
  p.slope.resize(static_cast<std::size_t>(p.channels));
  add_layer(layer.kernel_h, layer.kernel_w, layer.out_channels, p.channels, layer.skip, way_of(kernels_.packing, taps));
  packed_.push_back(std::move(p));
}

void FloatSession::conv(const RowPlace& place, int layer) const {
  const Packed& p = packed_[layer];
  kernels_.conv({place, p.weight.data()->cells, p.bias.data(), p.slope.data(), p.activation, p.channels});
}

void FloatSession::merge(const LastRow& last, int channel, int i, int j, int r, const float* base, int n, float* to) const {
  const float* z[kMaxScale];
  for (int k = 0; k < r; ++k) z[k] = static_cast<const float*>(last.values) + phase(channel, i, j + k) * last.stride;
  kernels_.merge(z, base, r, n, to);
}

}  // namespace subpixel
