// Tests sub-pixel convolution against sums in f64, and each target with several threads against itself, byte for byte.
#include "subpixel/conv.hpp"

#include <cmath>

#include "check.hpp"

namespace test {
namespace {

using subpixel::SubpixelConv;

struct Case {
  SubpixelConv s;
  std::vector<float> x, weight, bias;
};

// The sum of one sample of y.
double reference(const SubpixelConv& s, std::ptrdiff_t n, int c, std::ptrdiff_t row, std::ptrdiff_t column) {
  const int cell = s.rh * s.rw, result = s.groups * s.out_channels / cell, in = s.groups * s.in_channels;
  row += s.crop_top, column += s.crop_left;
  const int phase = static_cast<int>(row % s.rh * s.rw + column % s.rw);
  const int o = s.crd ? c * cell + phase : phase * result + c, group = o / s.out_channels;
  double sum = s.bias ? s.bias[o] : 0.0;
  for (int ci = 0; ci < s.in_channels; ++ci)
    for (int ky = 0; ky < s.kernel_h; ++ky)
      for (int kx = 0; kx < s.kernel_w; ++kx) {
        const std::ptrdiff_t i = row / s.rh * s.stride_h + ky * s.dilation_h - s.top;
        const std::ptrdiff_t j = column / s.rw * s.stride_w + kx * s.dilation_w - s.left;
        if (i < 0 || i >= s.height || j < 0 || j >= s.width) continue;
        const std::ptrdiff_t k = group * s.in_channels + ci;
        const float x = s.channels_last ? s.x[((n * s.height + i) * s.width + j) * in + k]
                                        : s.x[((n * in + k) * s.height + i) * s.width + j];
        sum += double{x} * s.weight[((std::size_t(o) * s.in_channels + ci) * s.kernel_h + ky) * s.kernel_w + kx];
      }
  return sum;
}

Case random_case(Random& random) {
  Case output{};
  SubpixelConv& s = output.s;
  s.n = random.integer(1, 2);
  s.height = random.integer(1, 20);
  s.width = random.integer(0, 5) ? random.integer(1, 60) : random.integer(330, 345);
  s.groups = random.integer(1, 3);
  s.in_channels = random.integer(1, 5);
  s.rh = random.integer(1, 3);
  s.rw = random.integer(1, 4);
  s.out_channels = s.rh * s.rw * random.integer(1, 3);
  s.kernel_h = random.integer(1, 4);
  s.kernel_w = random.integer(1, 5);
  s.stride_h = random.integer(1, 2);
  s.stride_w = random.integer(1, 3);
  s.dilation_h = random.integer(1, 2);
  s.dilation_w = random.integer(1, 3);
  s.top = random.integer(0, 6);
  s.left = random.integer(0, 6);
  s.full_h = random.integer(1, s.rh);
  s.full_w = random.integer(1, s.rw);
  s.crd = random.integer(0, 1);
  s.channels_last = random.integer(0, 1);
  s.crop_top = random.integer(0, 5);
  s.crop_left = random.integer(0, 7);
  s.rows = random.integer(1, 40);
  s.columns = random.integer(1, 70);
  const int outputs = s.groups * s.out_channels, cell = s.rh * s.rw, result = outputs / cell;
  output.x.resize(static_cast<std::size_t>(s.n * s.groups * s.in_channels * s.height * s.width));
  output.weight.resize(std::size_t(outputs) * s.in_channels * s.kernel_h * s.kernel_w);
  output.bias.resize(static_cast<std::size_t>(outputs));
  fill(output.x, random);
  fill(output.weight, random);
  fill(output.bias, random);
  for (std::size_t k = 0; k < output.weight.size(); ++k) {
    const int kx = static_cast<int>(k) % s.kernel_w, ky = static_cast<int>(k) / s.kernel_w % s.kernel_h;
    const int o = static_cast<int>(k) / (s.kernel_w * s.kernel_h * s.in_channels),
              phase = s.crd ? o % cell : o / result;
    if ((ky == 0 && phase / s.rw >= s.full_h) || (kx == 0 && phase % s.rw >= s.full_w)) output.weight[k] = 0.0f;
  }
  s.x = output.x.data();
  s.weight = output.weight.data();
  s.bias = random.integer(0, 1) ? output.bias.data() : nullptr;
  return output;
}

bool close(const SubpixelConv& s, const std::vector<float>& y) {
  const int result = s.groups * s.out_channels / (s.rh * s.rw);
  for (std::ptrdiff_t n = 0; n < s.n; ++n)
    for (int c = 0; c < result; ++c)
      for (std::ptrdiff_t i = 0; i < s.rows; ++i)
        for (std::ptrdiff_t j = 0; j < s.columns; ++j) {
          const std::ptrdiff_t at = s.channels_last ? ((n * s.rows + i) * s.columns + j) * result + c
                                                    : ((n * result + c) * s.rows + i) * s.columns + j;
          if (!(std::abs(y[at] - reference(s, n, c, i, j)) <= 1e-4)) return false;
        }
  return true;
}

std::string text(const std::string& target, const SubpixelConv& s) {
  return target + " " + std::to_string(s.kernel_h) + "x" + std::to_string(s.kernel_w) + " of " +
         std::to_string(s.height) + "x" + std::to_string(s.width) + " to " + std::to_string(s.rows) + "x" +
         std::to_string(s.columns) + ", phases " + std::to_string(s.rh) + "x" + std::to_string(s.rw);
}

}  // namespace

void one_convolution(Random& random) {
  Case one = random_case(random);
  // A kernel of one tap has no tap left if its first is skipped.
  if (one.s.kernel_h == 1) one.s.full_h = one.s.rh;
  if (one.s.kernel_w == 1) one.s.full_w = one.s.rw;
  const int result = one.s.groups * one.s.out_channels / (one.s.rh * one.s.rw);
  const auto run = [&](int threads, const std::string& target) {
    std::vector<float> y(static_cast<std::size_t>(one.s.n * result * one.s.rows * one.s.columns));
    one.s.y = y.data();
    subpixel::subpixel_conv(one.s, threads, target);
    return y;
  };
  for (const std::string& target : all_targets()) {
    const std::vector<float> output = run(1, target);
    CHECK(close(one.s, output), text(target, one.s));
    for (int threads : {2, 5})
      CHECK(same_bytes(run(threads, target), output), text(target, one.s));
  }
}

void convolutions() {
  Random random(51);
  for (int round = 0; round < (kSlow ? 60 : 300); ++round) one_convolution(random);
}

}  // namespace test
