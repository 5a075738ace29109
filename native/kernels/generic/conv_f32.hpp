// f32 convolution, written once over a vector of kLanes floats. Each target's file defines SUBPIXEL_TARGET_NS,
// kLanes, kChannels and kVectors before including this, and is compiled with its own instruction flags. Nothing
// of the standard library may be instantiated here: such a function, compiled with wide instructions, could be
// the copy that the linker keeps for everybody.
//
// A block of kChannels output channels by kVectors vectors of columns stays in registers while the sum runs over
// input channel, kernel row and kernel column, always in that order: a sample's value does not depend on where in
// a tile it lies.

#include "subpixel/kernels.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef int IntVec __attribute__((vector_size(kLanes * 4)));

inline Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

inline void store(float* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }

// A difference, since f - 0 is f for every f and costs nothing; 0 + f is not (-0), and would be an addition.
inline Vec fill(float f) { return f - Vec{}; }

// Comparisons are written so that NaN stays NaN, as in the reference.
inline Vec at_least(Vec v, float low) { return v < fill(low) ? fill(low) : v; }
inline Vec at_most(Vec v, float high) { return v > fill(high) ? fill(high) : v; }

// exp(v) for |v| <= 20: v = n ln 2 + r, |r| <= 0.35, Taylor's series to r^7 (the next term is below 6e-9).
inline Vec exp_small(Vec v) {
  const Vec magic = fill(12582912.0f);  // 1.5 * 2^23: adding and subtracting it rounds to a whole number
  Vec n = v * fill(1.44269504f) + magic;
  n = n - magic;
  // ln 2 in two parts, so that r keeps its last bits
  Vec r = v - n * fill(0.693359375f);
  r = r + n * fill(2.12194440e-4f);
  Vec p = fill(1.0f / 5040.0f);
  p = p * r + fill(1.0f / 720.0f);
  p = p * r + fill(1.0f / 120.0f);
  p = p * r + fill(1.0f / 24.0f);
  p = p * r + fill(1.0f / 6.0f);
  p = p * r + fill(0.5f);
  p = p * r + fill(1.0f);
  p = p * r + fill(1.0f);
  // NaN has no integer; a whole number in its place leaves p, which is NaN, to carry it on
  Vec whole = n == n ? n : fill(0.0f);
  IntVec bits = (__builtin_convertvector(whole, IntVec) + 127) << 23;
  Vec power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return p * power;
}

// tanh(v) = 1 - 2 / (exp(2v) + 1), absolute error below 4e-7; beyond 10 it is 1 in f32.
inline Vec tanh(Vec v) {
  Vec e = exp_small(fill(2.0f) * at_most(at_least(v, -10.0f), 10.0f));
  return fill(1.0f) - fill(2.0f) / (e + fill(1.0f));
}

inline Vec activate(Vec v, Activation kind, float slope) {
  switch (kind) {
    case Activation::relu: return at_least(v, 0.0f);
    case Activation::prelu: return v < fill(0.0f) ? v * fill(slope) : v;
    case Activation::tanh: return tanh(v);
    case Activation::clip: return at_most(at_least(v, 0.0f), 1.0f);
    case Activation::none: break;
  }
  return v;
}

template <int Channels, int Vectors, bool Apart>
inline void conv_block(const ConvF32& a, const float* weight, int first_channel, int y, int column) {
  Vec sum[Channels][Vectors];
  for (int c = 0; c < Channels; ++c)
    for (int v = 0; v < Vectors; ++v) sum[c][v] = fill(a.bias[first_channel + c]);
  const std::ptrdiff_t tap_row = Apart ? a.tap_row : a.x_row;
  const float* plane = a.x + y * (Apart ? a.step_row : a.x_row) + column;
  for (int ci = 0; ci < a.in_channels; ++ci, plane += a.x_plane) {
    const float* line = plane;
    for (int ky = 0; ky < a.kernel_h; ++ky, line += tap_row) {
      for (int kx = 0; kx < a.kernel_w; ++kx, weight += kChannels) {
        const float* at = line + (Apart ? a.tap_column[kx] : kx);
        Vec x[Vectors];
        for (int v = 0; v < Vectors; ++v) x[v] = load(at + v * kLanes);
        for (int c = 0; c < Channels; ++c) {
          Vec w = fill(weight[c]);
          for (int v = 0; v < Vectors; ++v) sum[c][v] += x[v] * w;
        }
      }
    }
  }
  float* out = a.y + first_channel * a.y_plane + y * a.y_row + column;
  for (int c = 0; c < Channels; ++c, out += a.y_plane)
    for (int v = 0; v < Vectors; ++v)
      store(out + v * kLanes, activate(sum[c][v], a.activation, a.slope[first_channel + c]));
}

// Blocks of fewer vectors end a row of few columns; a sample's sum is the same in each.
template <int Channels, bool Apart>
void conv_rows(const ConvF32& a, const float* weight, int first_channel) {
  for (int y = 0; y < a.rows; ++y) {
    int column = 0;
    for (; a.columns - column > kLanes; column += kVectors * kLanes)
      conv_block<Channels, kVectors, Apart>(a, weight, first_channel, y, column);
    if (column < a.columns) conv_block<Channels, 1, Apart>(a, weight, first_channel, y, column);
  }
}

// The last block of channels may be a smaller one.
template <int Channels, bool Apart>
void conv_channels(const ConvF32& a, const float* weight, int first_channel, int channels) {
  if constexpr (Channels > 1)
    if (channels < Channels) return conv_channels<Channels - 1, Apart>(a, weight, first_channel, channels);
  conv_rows<Channels, Apart>(a, weight, first_channel);
}

void conv(const ConvF32& a) {
  const int taps = a.in_channels * a.kernel_h * a.kernel_w;
  for (int first = 0; first < a.out_channels; first += kChannels) {
    const float* weight = a.weight + static_cast<std::ptrdiff_t>(first) * taps;
    if (a.tap_column == nullptr) conv_channels<kChannels, false>(a, weight, first, a.out_channels - first);
    else conv_channels<kChannels, true>(a, weight, first, a.out_channels - first);
  }
}

long long peak(long long rounds) {
  constexpr int sums = 10;  // as many as hide the latency
  // read where the compiler cannot know them, or it would do the sum by itself; the sums go to 1 and stay normal
  volatile float half = 0.5f;
  const Vec x = fill(half), w = fill(half);
  Vec sum[sums] = {};
  for (long long k = 0; k < rounds; ++k)
#pragma GCC unroll 16
    for (int s = 0; s < sums; ++s) sum[s] = sum[s] * x + w;
  volatile float kept;
  for (int s = 0; s < sums; ++s)
    for (int lane = 0; lane < kLanes; ++lane) kept = sum[s][lane];
  static_cast<void>(kept);
  return rounds * sums * kLanes;
}

}  // namespace

const KernelsF32& kernels_f32() {
  static constexpr KernelsF32 table = {kName, kChannels, kVectors * kLanes, conv, peak};
  return table;
}

}  // namespace subpixel::SUBPIXEL_TARGET_NS
