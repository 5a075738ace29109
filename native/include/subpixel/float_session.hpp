// A session for chains of convolutions in f32, or with samples and weights rounded to bf16 and sums in f32.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "subpixel/chain.hpp"
#include "subpixel/float_chain_kernels.hpp"

namespace subpixel {

struct FloatLayer {
  int in_channels, out_channels, kernel_h, kernel_w;
  Activation activation;
  std::vector<float> weight;  // (out, in, kernel_h, kernel_w)
  std::vector<float> bias, slope;  // one per output channel, or empty
  bool last = false;          // its sums are the network's result
  int skip = -1;              // the layer whose result is added to this one's, or -1
};

enum class FloatPrecision { f32, bf16 };

class FloatSession : public ChainSession {
 public:
  FloatSession(FloatPrecision precision, const ChainShape& shape, int threads, const std::string& target);

  void add(const FloatLayer& layer);

  void interleave(const LastLayerRow& last, int channel, int i, int j, int r, const float* base, int n,
                  float* to) const override;
  const char* kernels() const override { return kernels_.name; }

 private:
  struct Packed {
    int channels;
    Activation activation;
    std::vector<CacheLine> weight;
    std::vector<float> bias, slope;
  };

  void conv(const RowConv& row, int layer) const override;
  void transform(const Cell*, std::ptrdiff_t, int, int, Cell*, std::ptrdiff_t) const override {}
  void encode(const float* x, int n, int, Cell* to) const override { kernels_.encode(x, n, to); }
  Cell zero(int) const override { return 0; }
  bool integers() const override { return false; }
  int gap() const override { return kernels_.packing != nullptr ? 128 : 8; }

  const FloatChainKernels& kernels_;
  std::vector<Packed> packed_;
};

}  // namespace subpixel
