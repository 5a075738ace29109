// A session for chains of quantised convolutions: integer arithmetic, the same bytes on every target.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "subpixel/chain.hpp"
#include "subpixel/int8_chain_kernels.hpp"

namespace subpixel {

struct IntegerLayer {
  int in_channels, out_channels, kernel_h, kernel_w;
  Activation activation;
  int zero;                            // zero point of the result
  std::vector<std::int8_t> weight;     // (out, in, kernel_h, kernel_w)
  std::vector<std::int32_t> bias;      // the zero point of the source already subtracted
  std::vector<std::int32_t> shift;     // 0 … 31
  std::vector<std::int16_t> multiplier, slope;
  bool last = false;                   // its z are the network's result
  int skip = -1;                       // the layer whose result is added to this one's, or -1
  std::int16_t skip_gain = 0;
};

// How layers whose kernels have width 3 are computed, if the target has both forms and the sums fit; see winograd.hpp.
// faster: in the form that takes less time here. The bytes are the same.
enum class ConvForm { faster, direct, winograd };

class IntegerSession : public ChainSession {
 public:
  IntegerSession(const ChainShape& shape, int threads, const std::string& target, ConvForm form = ConvForm::faster);

  void add(const IntegerLayer& layer);

  // Floats are bytes / 255. The network's input is rounded half up to halves of a byte; the base stays exact.
  using ChainSession::run;
  void run(const std::uint8_t* x, int height, int width, std::uint8_t* y) const { run_bytes(x, height, width, y); }

  void interleave(const LastLayerRow& last, int channel, int i, int j, int r, const float* base, int n,
                  float* to) const override;
  bool interleave_bytes(const LastLayerRow& last, int channel, int i, int j, int r, const std::uint8_t* base, int n,
                   std::uint8_t* to) const override;
  const char* kernels() const override { return kernels_.name; }
  // Whether a layer is computed in Winograd's form.
  bool winograd(int layer) const { return packed_[layer].winograd; }

 private:
  struct Packed {
    int channels, zero, skip_zero;
    bool winograd;
    Activation activation;
    std::int16_t skip_gain;
    std::vector<CacheLine> weight;
    std::vector<std::int32_t> bias, shift;
    std::vector<std::int16_t> multiplier, slope;
  };

  void conv(const RowConv& row, int layer) const override;
  void transform(const Cell* from, std::ptrdiff_t stride, int groups, int tiles, Cell* to,
                 std::ptrdiff_t to_stride) const override {
    kernels_.winograd.transform(from, stride, groups, tiles, to, to_stride);
  }
  bool takes_winograd(const IntegerLayer& layer, const KernelShape& w) const;
  bool fits_winograd(const IntegerLayer& layer) const;
  std::vector<Cell> pack_winograd(const IntegerLayer& layer, const KernelShape& w, Packed& p) const;
  void encode(const float* x, int n, int piece, Cell* to) const override;
  Cell zero(int layer) const override;
  bool integers() const override { return true; }
  int gap() const override { return kernels_.packing != nullptr ? 128 : 8; }
  void phases(const LastLayerRow& last, int channel, int i, int j, int r, const std::int16_t** z) const;

  const Int8ChainKernels& kernels_;
  const ConvForm form_;
  std::vector<Packed> packed_;
};

}  // namespace subpixel
