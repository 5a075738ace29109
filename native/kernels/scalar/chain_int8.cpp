// Rows of int8 chains, one sample after the other: the reference for every target's bytes, and the fallback.
#define SUBPIXEL_TARGET_NS scalar

#include "../generic/input_output_int.hpp"
#include "../generic/tables.hpp"

namespace subpixel::scalar {
namespace {

int saturate(int v) { return v < -32768 ? -32768 : v > 32767 ? 32767 : v; }

int mulhrs(int a, int b) { return (a * b + 0x4000) >> 15; }

int tanh_of(int z) {
  const int u = 8 * z < -32767 ? -32767 : 8 * z > 32767 ? 32767 : 8 * z;
  const int square = mulhrs(u, u);
  int p = kTanh[4];
  for (int k = 3; k >= 0; --k) p = mulhrs(p, square) + kTanh[k];
  return (mulhrs(p, u) + 8) >> 4;
}

int rescale(const EpilogueInt& e, int channel, std::int32_t sum) {
  return mulhrs(saturate(sum >> e.shift[channel]), e.multiplier[4 * channel]);
}

int activate(const EpilogueInt& e, int channel, std::int32_t sum) {
  const int z = rescale(e, channel, sum);
  if (e.activation == Activation::tanh) return tanh_of(z);
  if (e.activation == Activation::prelu && z < 0) return mulhrs(z, e.slope[4 * channel]);
  return z;
}

constexpr int kChannels = 4;

void conv(const RowConvInt& a) {
  const Cell* weight = a.weight;
  for (int first = 0; first < a.channels; first += kChannels) {
    const Cell* next = weight;
    for (int x = 0; x < a.columns; ++x) {
      std::int32_t sum[kChannels];
      for (int c = 0; c < kChannels; ++c) sum[c] = a.epilogue.bias[first + c];
      next = weight;
      for (int ky = 0; ky < a.kernel_rows; ++ky)
        for (int g = 0; g < a.groups; ++g)
          for (int kx = 0; kx < a.kernel_columns; ++kx, next += kChannels) {
            const Cell cell = a.rows[ky][g * a.group_stride + x + kx];
            for (int c = 0; c < kChannels; ++c)
              for (int k = 0; k < 32; k += 8)
                sum[c] += static_cast<int>(cell >> k & 255) * static_cast<std::int8_t>(next[c] >> k);
          }
      if (a.last != nullptr) {
        for (int c = 0; c < kChannels && first + c < a.channels; ++c)
          a.z()[(first + c) * a.last_stride + x] = static_cast<std::int16_t>(rescale(a.epilogue, first + c, sum[c]));
        continue;
      }
      Cell result = 0;
      for (int c = 0; c < kChannels; ++c) {
        int z = activate(a.epilogue, first + c, sum[c]);
        if (a.skip != nullptr) {
          if (a.epilogue.activation == Activation::relu && z < 0) z = 0;
          const int u = static_cast<int>(a.skip[first / 4 * a.skip_stride + x] >> (8 * c) & 255);
          z = saturate(z + mulhrs((u - a.skip_zero) * 128, a.skip_gain));
        }
        z = saturate(z + a.epilogue.zero);
        result |= static_cast<Cell>(z < 0 ? 0 : z > 255 ? 255 : z) << (8 * c);
      }
      a.out[first / 4 * a.out_stride + x] = result;
    }
    weight = next;
  }
}

long long peak(long long rounds) {
  int sum[8] = {}, x = 1;
  for (long long k = 0; k < rounds; ++k) {
    asm volatile("" : "+r"(x));
    for (int& s : sum) s += x * x;
  }
  for (int s : sum) asm volatile("" : : "r"(s));
  return rounds * 8;
}

int block(int) { return kChannels; }

}  // namespace

constexpr Int8ChainKernels chain_int8_kernels = {
    "scalar", 4, block, conv, encode, interleave<std::int16_t, float>,
    interleave<std::int16_t, std::uint8_t>, {nullptr, nullptr}, peak};

}  // namespace subpixel::scalar
