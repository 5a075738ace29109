// Rows of int8 chains on 64-bit ARM, written once over a Product of cells. Each target's file defines
// SUBPIXEL_TARGET_NS, Product, kVectors and kName before it includes this. Four output channels by vectors of four
// columns stay in registers.

#include "input_output_int.hpp"
#include "tables.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

constexpr int kLanes = 4, kChannels = 4;

// (a * b + 2^14) >> 15; the one product that would saturate, of two -32768, does not occur.
inline int16x8_t rounded_product(int16x8_t a, int16x8_t b) { return vqrdmulhq_s16(a, b); }

inline int16x8_t tanh_of(int16x8_t z) {
  for (int k = 0; k < 3; ++k) z = vqaddq_s16(z, z);
  const int16x8_t u = vmaxq_s16(z, vdupq_n_s16(-32767)), square = rounded_product(u, u);
  int16x8_t p = vdupq_n_s16(kTanh[4]);
  for (int k = 3; k >= 0; --k) p = vaddq_s16(rounded_product(p, square), vdupq_n_s16(kTanh[k]));
  return vshrq_n_s16(vaddq_s16(rounded_product(p, u), vdupq_n_s16(8)), 4);
}

// A constant of two channels, four times each: they are stored so for the vectors of x86 too.
inline int16x8_t pair16(const std::int16_t* p) { return vld1q_s16(p); }

inline int16x8_t activate(int16x8_t z, Activation kind, const std::int16_t* slope) {
  if (kind == Activation::tanh) return tanh_of(z);
  if (kind == Activation::prelu)
    return vbslq_s16(vcltzq_s16(z), rounded_product(z, pair16(slope)), z);
  return z;
}

inline int16x4_t shift_and_narrow(int32x4_t sum, int shift) { return vqmovn_s32(vshlq_s32(sum, vdupq_n_s32(-shift))); }

// Rescales the sums of two channels, each of four columns, to z.
inline int16x8_t requantise(const EpilogueInt& e, int channel, int32x4_t a, int32x4_t b) {
  const int16x8_t y = vcombine_s16(shift_and_narrow(a, e.shift[channel]), shift_and_narrow(b, e.shift[channel + 1]));
  const int16x8_t z = rounded_product(y, pair16(e.multiplier + 4 * channel));
  return activate(z, e.activation, e.slope + 4 * channel);
}

// Converts four cells of two 16-bit samples to four samples of each channel.
inline int16x8_t twos_of_words(uint32x4_t cells) {
  const int16x8_t v = vreinterpretq_s16_u32(cells);
  return vcombine_s16(vget_low_s16(vuzp1q_s16(v, v)), vget_low_s16(vuzp2q_s16(v, v)));
}

// Loads an earlier value's four cells of four channels, as 16-bit samples of two and two channels.
inline void load_samples(const Cell* from, std::ptrdiff_t stride, int16x8_t& low, int16x8_t& high) {
  if (Product::kGroup == 4) {
    alignas(16) static constexpr unsigned char order[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    const uint8x16_t bytes = vqtbl1q_u8(vreinterpretq_u8_u32(vld1q_u32(from)), vld1q_u8(order));
    low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes)));
    high = vreinterpretq_s16_u16(vmovl_high_u8(bytes));
    return;
  }
  low = twos_of_words(vld1q_u32(from));
  high = twos_of_words(vld1q_u32(from + stride));
}

// Adds a skip to z.
inline int16x8_t add_skip(const RowConvInt& a, int16x8_t z, int16x8_t u) {
  if (a.epilogue.activation == Activation::relu) z = vmaxq_s16(z, vdupq_n_s16(0));
  const int16x8_t scaled = vshlq_n_s16(vsubq_s16(u, vdupq_n_s16(static_cast<short>(a.skip_zero))), 7);
  return vqaddq_s16(z, rounded_product(scaled, vdupq_n_s16(a.skip_gain)));
}

// Converts four 16-bit samples of each of two channels, clipped to a byte, to four cells of two.
inline uint32x4_t words_of_two(int16x8_t z) {
  const int16x8_t clipped = vminq_s16(vmaxq_s16(z, vdupq_n_s16(0)), vdupq_n_s16(255));
  return vreinterpretq_u32_s16(vzip1q_s16(clipped, vextq_s16(clipped, clipped, 4)));
}

inline void store(Cell* to, std::ptrdiff_t stride, int16x8_t low, int16x8_t high) {
  if (Product::kGroup == 4) {
    alignas(16) static constexpr unsigned char order[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    const uint8x16_t bytes = vcombine_u8(vqmovun_s16(low), vqmovun_s16(high));
    vst1q_u32(to, vreinterpretq_u32_u8(vqtbl1q_u8(bytes, vld1q_u8(order))));
    return;
  }
  vst1q_u32(to, words_of_two(low));
  vst1q_u32(to + stride, words_of_two(high));
}

template <int Vectors>
void conv_block(const RowConvInt& a, const Cell* weight, int first, int column) {
  Product::Sum sum[kChannels][Vectors];
  for (int c = 0; c < kChannels; ++c)
    for (int v = 0; v < Vectors; ++v) sum[c][v] = Product::start(a.epilogue.bias[first + c]);
  for (int ky = 0; ky < a.kernel_rows; ++ky)
    for (int g = 0; g < a.groups; ++g) {
      const Cell* x = a.rows[ky] + g * a.group_stride + column;
      for (int kx = 0; kx < a.kernel_columns; ++kx, ++x, weight += kChannels) {
        const uint32x4_t w = vld1q_u32(weight);
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) {
          const uint32x4_t cells = vld1q_u32(x + v * kLanes);
          Product::multiply<0>(sum[0][v], cells, w);
          Product::multiply<1>(sum[1][v], cells, w);
          Product::multiply<2>(sum[2][v], cells, w);
          Product::multiply<3>(sum[3][v], cells, w);
        }
      }
    }
  for (int v = 0; v < Vectors; ++v, column += kLanes) {
    int32x4_t total[kChannels];
    for (int c = 0; c < kChannels; ++c) total[c] = Product::total(sum[c][v]);
    if (a.last != nullptr) {
      for (int c = 0; c < kChannels; ++c) {
        const int16x4_t y = shift_and_narrow(total[c], a.epilogue.shift[first + c]);
        vst1_s16(a.z() + (first + c) * a.last_stride + column,
                 vqrdmulh_n_s16(y, a.epilogue.multiplier[4 * (first + c)]));
      }
      continue;
    }
    int16x8_t low = requantise(a.epilogue, first, total[0], total[1]),
              high = requantise(a.epilogue, first + 2, total[2], total[3]);
    if (a.skip != nullptr) {
      int16x8_t more_low, more_high;
      load_samples(a.skip + first / Product::kGroup * a.skip_stride + column, a.skip_stride, more_low, more_high);
      low = add_skip(a, low, more_low);
      high = add_skip(a, high, more_high);
    }
    const int16x8_t zero = vdupq_n_s16(static_cast<short>(a.epilogue.zero));
    store(a.out + first / Product::kGroup * a.out_stride + column, a.out_stride, vqaddq_s16(low, zero),
          vqaddq_s16(high, zero));
  }
}

int block(int) { return kChannels; }

void conv(const RowConvInt& a) {
  const std::ptrdiff_t taps = static_cast<std::ptrdiff_t>(a.kernel_rows) * a.groups * a.kernel_columns;
  // The inputs of a stripe stay in the first-level cache.
  constexpr int stripe = 48;
  for (int from = 0; from < a.columns; from += stripe) {
    const int until = from + stripe < a.columns ? from + stripe : a.columns;
    for (int first = 0; first < a.channels; first += kChannels) {
      const Cell* weight = a.weight + first * taps;
      int column = from;
      for (; until - column > kLanes; column += kVectors * kLanes) conv_block<kVectors>(a, weight, first, column);
      if (column < until) conv_block<1>(a, weight, first, column);
    }
  }
}

long long peak(long long rounds) {
  constexpr int sums = 12;  // as many as hide the latency of the product
  Product::Sum sum[sums];
  for (int s = 0; s < sums; ++s) sum[s] = Product::start(0);
  uint32x4_t x = vdupq_n_u32(0x01010101), w = x;
  for (long long k = 0; k < rounds; ++k) {
    asm volatile("" : "+w"(x), "+w"(w));
#pragma GCC unroll 16
    for (int s = 0; s < sums; ++s) Product::multiply<0>(sum[s], x, w);
  }
  for (int s = 0; s < sums; ++s) {
    int32x4_t result = Product::total(sum[s]);
    asm volatile("" : : "w"(result));
  }
  return rounds * sums * kLanes * Product::kGroup;
}

}  // namespace

constexpr Int8ChainKernels chain_int8_kernels = {
    kName, Product::kGroup, block, conv, encode, interleave<std::int16_t, float>,
    interleave<std::int16_t, std::uint8_t>, {nullptr, nullptr}, peak};

}  // namespace subpixel::SUBPIXEL_TARGET_NS
