// Packs the layers of an int8 chain and runs its kernels.
#include "subpixel/integer_session.hpp"

#include <cstdlib>

#include "conv_form.hpp"
#include "subpixel/dispatch.hpp"
#include "subpixel/winograd.hpp"

namespace subpixel {
namespace {

// Channels are padded to whole cells of four.
constexpr int kWhole = 4;

// The largest value of the network's input, which counts halves of a byte's unit, and of every other value.
constexpr int kMostInput = 510, kMost = 255;

// A byte sample holds half of the input, rounded down; a second one holds the rest.
int pieces_of(const Int8ChainKernels& kernels) { return kernels.group == 4 ? 2 : 1; }

}  // namespace

IntegerSession::IntegerSession(const ChainShape& shape, int threads, const std::string& target, ConvForm form)
    : ChainSession(shape, threads, target, find_target(target).chain_int8->group,
                   pieces_of(*find_target(target).chain_int8)),
      kernels_(*find_target(target).chain_int8), form_(form) {}

void IntegerSession::add(const IntegerLayer& layer) {
  const KernelShape w = kernel_shape(layer.kernel_h);
  const Cell mask = kernels_.group == 4 ? 0xffu : 0xffffu;
  const auto part = [&](std::int8_t weight) { return static_cast<Cell>(weight) & mask; };
  Packed p{};
  p.activation = layer.activation;
  p.zero = layer.zero;
  p.skip_zero = layer.skip < 0 ? 0 : packed_[layer.skip].zero;
  p.skip_gain = layer.skip_gain;
  p.winograd = takes_winograd(layer, w);
  p.bias = layer.bias;
  p.shift = layer.shift;
  p.weight =
      to_cache_lines(p.winograd ? pack_winograd(layer, w, p) : pack(layer, w, kWhole, kernels_, part, p.channels));
  const auto wide = static_cast<std::size_t>(p.channels);
  p.bias.resize(wide);
  p.shift.resize(wide);
  for (std::size_t c = 0; c < wide; ++c) {
    const bool real = c < static_cast<std::size_t>(layer.out_channels);
    p.multiplier.insert(p.multiplier.end(), 4, real ? layer.multiplier[c] : std::int16_t{0});
    p.slope.insert(p.slope.end(), 4, real && !layer.slope.empty() ? layer.slope[c] : std::int16_t{0});
  }
  add_layer(layer.kernel_h, layer.kernel_w, layer.out_channels, p.channels, layer.skip,
            p.winograd ? InputLayout::winograd : layout_of(kernels_.packing, {w.rows, w.groups, layer.kernel_w}));
  packed_.push_back(std::move(p));
}

bool IntegerSession::takes_winograd(const IntegerLayer& layer, const KernelShape& w) const {
  if (w.vertical || form_ == ConvForm::direct || !fits_winograd(layer)) return false;
  if (form_ == ConvForm::winograd) return true;
  return winograd_takes_less_time(kernels_, {w.rows, w.groups, padded_channels(layer, kWhole), layer.last});
}

// Sums are computed 24 times as large, then with their bias 8 times as large: both must fit 32 bits.
bool IntegerSession::fits_winograd(const IntegerLayer& layer) const {
  if (kernels_.winograd.conv == nullptr || layer.kernel_w != 3) return false;
  const std::ptrdiff_t taps = std::ptrdiff_t{layer.in_channels} * layer.kernel_h * layer.kernel_w;
  const int highest = packed_.empty() ? kMostInput : kMost;
  constexpr std::int64_t most = std::int64_t{1} << 31;
  for (int o = 0; o < layer.out_channels; ++o) {
    std::int64_t sum = 0;
    for (std::ptrdiff_t k = 0; k < taps; ++k) sum += highest * std::abs(static_cast<int>(layer.weight[o * taps + k]));
    if (kWinogradDivisor * sum >= most || 8 * (sum + std::abs(std::int64_t{layer.bias[o]})) >= most) return false;
  }
  return true;
}

std::vector<Cell> IntegerSession::pack_winograd(const IntegerLayer& layer, const KernelShape& w, Packed& p) const {
  const int all = padded_channels(layer, kWhole);
  std::vector<Cell> weight;
  for (int from = 0, count; from < all; from += count) {
    count = kernels_.block(all - from);
    for (int part : kWinogradOrder)
      for (int r = 0; r < w.rows; ++r)
        for (int g = 0; g < w.groups; ++g)
          for (int o = from; o < from + count; ++o) {
            Cell cell = 0;
            for (int k = 0; k < 2; ++k) {
              int sum = 0;
              for (int kx = 0; kx < 3; ++kx) sum += kWinogradWeights[part][kx] * weight_at(layer, o, 2 * g + k, r, kx);
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

void IntegerSession::conv(const RowConv& row, int layer) const {
  const Packed& p = packed_[layer];
  const EpilogueInt epilogue{p.bias.data(), p.shift.data(), p.multiplier.data(), p.slope.data(), p.activation, p.zero};
  const auto conv = p.winograd ? kernels_.winograd.conv : kernels_.conv;
  conv({row, cells_of(p.weight), epilogue, p.channels, p.skip_zero, p.skip_gain});
}

// Let h be x as an integer number of halves. Its two pieces are h / 2 and (h + 1) / 2, rounded down. Adding a quarter
// and three quarters of a byte's unit to x gives the same.
void IntegerSession::encode(const float* x, int n, int piece, Cell* to) const {
  if (pieces_of(kernels_) == 1) kernels_.encode(x, n, kMostInput, 0.5f, to);
  else kernels_.encode(x, n, kMostInput / 2, piece == 0 ? 0.25f : 0.75f, to);
}

Cell IntegerSession::zero(int layer) const {
  Cell cell = 0;
  for (int k = 0; k < kernels_.group; ++k) cell |= static_cast<Cell>(packed_[layer].zero) << (k * 32 / kernels_.group);
  return cell;
}

void IntegerSession::phases(const LastLayerRow& last, int channel, int i, int j, int r, const std::int16_t** z) const {
  for (int k = 0; k < r; ++k)
    z[k] = static_cast<const std::int16_t*>(last.values) + phase(channel, i, j + k) * last.stride;
}

void IntegerSession::interleave(const LastLayerRow& last, int channel, int i, int j, int r, const float* base, int n,
                                float* to) const {
  const std::int16_t* z[kMaxScale];
  phases(last, channel, i, j, r, z);
  kernels_.interleave_f32(z, base, r, n, to);
}

bool IntegerSession::interleave_bytes(const LastLayerRow& last, int channel, int i, int j, int r,
                                      const std::uint8_t* base, int n, std::uint8_t* to) const {
  const std::int16_t* z[kMaxScale];
  phases(last, channel, i, j, r, z);
  kernels_.interleave_u8(z, base, r, n, to);
  return true;
}

}  // namespace subpixel
