// Packs the layers of a float chain and runs its kernels.
#include "subpixel/float_session.hpp"

#include "subpixel/dispatch.hpp"

namespace subpixel {
namespace {

const FloatChainKernels& kernels_of(FloatPrecision precision, const std::string& target) {
  const Target& found = find_target(target);
  return precision == FloatPrecision::f32 ? *found.chain_f32 : *found.chain_bf16;
}

}  // namespace

FloatSession::FloatSession(FloatPrecision precision, const ChainShape& shape, int threads, const std::string& target)
    : ChainSession(shape, threads, target, kernels_of(precision, target).group),
      kernels_(kernels_of(precision, target)) {}

void FloatSession::add(const FloatLayer& layer) {
  const KernelShape w = kernel_shape(layer.kernel_h);
  const auto part = [&](float weight) {
    Cell one;
    kernels_.encode(&weight, 1, &one);
    return one;
  };
  Packed p{};
  p.activation = layer.activation;
  // The channels fill whole cells.
  p.weight = to_cache_lines(pack(layer, w, kernels_.group, kernels_, part, p.channels));
  p.bias = layer.bias;
  p.slope = layer.slope;
  p.bias.resize(static_cast<std::size_t>(p.channels));
  p.slope.resize(static_cast<std::size_t>(p.channels));
  add_layer(layer.kernel_h, layer.kernel_w, layer.out_channels, p.channels, layer.skip,
            layout_of(kernels_.packing, {w.rows, w.groups, layer.kernel_w}));
  packed_.push_back(std::move(p));
}

void FloatSession::conv(const RowConv& row, int layer) const {
  const Packed& p = packed_[layer];
  kernels_.conv({row, cells_of(p.weight), p.bias.data(), p.slope.data(), p.activation, p.channels});
}

void FloatSession::interleave(const LastLayerRow& last, int channel, int i, int j, int r, const float* base, int n,
                              float* to) const {
  const float* z[kMaxScale];
  for (int k = 0; k < r; ++k) z[k] = static_cast<const float*>(last.values) + phase(channel, i, j + k) * last.stride;
  kernels_.interleave(z, base, r, n, to);
}

}  // namespace subpixel
