// The rows of subpixel/image.hpp. Each target's file defines SUBPIXEL_TARGET_NS and includes this. Plain loops, which
// the compiler turns into the target's vectors, compiled without contraction of products and sums.

#include "subpixel/image.hpp"
#include "tables.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// ITU-R BT.601: 16 + 65.481 R + 128.553 G + 24.966 B of 255, for R, G, B of 0 … 1.
constexpr float kBlack = static_cast<float>(16.0 / 255), kSpan = static_cast<float>(219.0 / 255);
constexpr float kRed = static_cast<float>(65.481 / 255), kGreen = static_cast<float>(128.553 / 255);
constexpr float kBlue = static_cast<float>(24.966 / 255), kPerSpan = static_cast<float>(255.0 / 219);

template <class Pixel, int Channels>
void split_channels(const Pixel* x, int n, float* const* planes, float unit) {
  for (int c = 0; c < Channels; ++c) {
    float* __restrict to = planes[c];
    for (int k = 0; k < n; ++k) to[k] = static_cast<float>(x[k * Channels + c]) * unit;
  }
}

template <class Pixel>
void split(const Pixel* x, int n, int channels, float* const* planes) {
  constexpr float unit = sizeof(Pixel) == 1 ? 1.0f / 255 : 1.0f / 65535;
  switch (channels) {
    case 1: return split_channels<Pixel, 1>(x, n, planes, unit);
    case 2: return split_channels<Pixel, 2>(x, n, planes, unit);
    case 3: return split_channels<Pixel, 3>(x, n, planes, unit);
    default: return split_channels<Pixel, 4>(x, n, planes, unit);
  }
}

inline float luma_of(float r, float g, float b) { return ((kBlack + kRed * r) + kGreen * g) + kBlue * b; }

void luma(const float* r, const float* g, const float* b, int n, float* __restrict y) {
  if (g == nullptr)
    for (int k = 0; k < n; ++k) y[k] = r[k] * kSpan + kBlack;
  else
    for (int k = 0; k < n; ++k) y[k] = luma_of(r[k], g[k], b[k]);
}

template <class Pixel>
void store(const float* x, int n, Pixel* __restrict to) {
  constexpr float top = sizeof(Pixel) == 1 ? 255.0f : 65535.0f;
  for (int k = 0; k < n; ++k) {
    float v = x[k] * top + 0.5f;
    v = v > 0.0f ? v : 0.0f;
    v = v < top ? v : top;
    to[k] = static_cast<Pixel>(static_cast<int>(v));
  }
}

template <class Code>
void from_codes(const Code* x, int n, float unit, float black, float* __restrict to) {
  for (int k = 0; k < n; ++k) to[k] = static_cast<float>(x[k]) * unit + black;
}

template <class Code>
void to_codes(const float* x, int n, float black, float codes, int most, Code* __restrict to) {
  const float top = static_cast<float>(most);
  for (int k = 0; k < n; ++k) {
    float v = (x[k] - black) * codes + 0.5f;
    v = v > 0.0f ? v : 0.0f;
    v = v < top ? v : top;
    to[k] = static_cast<Code>(static_cast<int>(v));
  }
}

template <class Sample>
void weighted_sum(const Sample* const* rows, const float* weight, int n, float* __restrict out) {
  const Sample *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
  const float wa = weight[0], wb = weight[1], wc = weight[2], wd = weight[3];
  const auto f = [](Sample x) { return static_cast<float>(x); };
  for (int k = 0; k < n; ++k) out[k] = ((f(a[k]) * wa + f(b[k]) * wb) + f(c[k]) * wc) + f(d[k]) * wd;
}

void correct_luma(float* __restrict r, float* __restrict g, float* __restrict b, const float* __restrict net, int n) {
  if (g == nullptr) {
    for (int k = 0; k < n; ++k) r[k] = (net[k] - kBlack) * kPerSpan;
    return;
  }
  for (int k = 0; k < n; ++k) {
    const float lacking = (net[k] - luma_of(r[k], g[k], b[k])) * kPerSpan;
    r[k] += lacking;
    g[k] += lacking;
    b[k] += lacking;
  }
}

}  // namespace

constexpr ImageKernels image_kernels = {
    split<std::uint8_t>, split<std::uint16_t>, luma,
    weighted_sum<float>, correct_luma,
    store<std::uint8_t>, store<std::uint16_t>,
    from_codes<std::uint8_t>, from_codes<std::uint16_t>,
    to_codes<std::uint8_t>, to_codes<std::uint16_t>,
    weighted_sum<std::uint8_t>, weighted_sum<std::uint16_t>};

}  // namespace subpixel::SUBPIXEL_TARGET_NS
