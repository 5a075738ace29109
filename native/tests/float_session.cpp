// Tests float chains: f32 on every target against sums in f64, bf16 likewise with samples and weights rounded, and each
// with other strips and threads against itself, byte for byte.
#include "subpixel/float_session.hpp"

#include <cmath>

#include "check.hpp"
#include "reference.hpp"

namespace test {
namespace {

using subpixel::Activation;
using subpixel::FloatLayer;
using subpixel::FloatPrecision;
using subpixel::FloatSession;

struct Network {
  subpixel::ChainShape shape;
  std::vector<FloatLayer> layers;
};

FloatLayer random_layer(int in, int out, bool last, Random& random) {
  const Activation kinds[] = {Activation::none, Activation::relu, Activation::prelu, Activation::tanh,
                              Activation::clip};
  FloatLayer l{in, out, 2 * random.integer(0, 3) + 1, 2 * random.integer(0, 3) + 1,
               last ? Activation::none : kinds[random.integer(0, 4)], {}, {}, {}, last};
  const int taps = in * l.kernel_h * l.kernel_w;
  for (int w = 0; w < out * taps; ++w)
    l.weight.push_back(random.real_number(-1, 1) / std::sqrt(static_cast<float>(taps)));
  const bool biased = random.integer(0, 3) > 0;
  for (int o = 0; o < out; ++o) {
    if (biased) l.bias.push_back(random.real_number(-0.1f, 0.1f));
    if (l.activation == Activation::prelu) l.slope.push_back(random.real_number(-0.5f, 0.5f));
  }
  return l;
}

Network random_network(Random& random) {
  const int outs[] = {1, 3, 4, 5, 8, 9, 12, 13, 16, 20};
  const int channels = random.integer(0, 2) ? 1 : random.integer(2, 4), scale = random.integer(1, 4);
  Network n{{channels, scale, random.integer(0, 1) == 1, random.integer(0, 1) == 1, random.integer(0, 1) == 1}, {}};
  const int count = random.integer(1, 4);
  for (int k = 0, in = channels; k < count; ++k) {
    const bool last = k + 1 == count;
    n.layers.push_back(random_layer(in, last ? channels * scale * scale : outs[random.integer(0, 9)], last, random));
    FloatLayer& result = n.layers.back();
    const int earlier = random.integer(0, k);  // a skip if it fits
    if (!last && earlier < k && n.layers[earlier].out_channels == result.out_channels) result.skip = earlier;
    in = result.out_channels;
  }
  return n;
}

// A network of a few layers with this many channels.
Network wide_network(int out, int scale, Random& random) {
  Network n{{1, scale, true, true, random.integer(0, 1) == 1}, {}};
  n.layers.push_back(random_layer(1, out, false, random));
  n.layers.push_back(random_layer(out, out, false, random));
  n.layers.back().skip = 0;
  n.layers.push_back(random_layer(out, scale * scale, true, random));
  return n;
}

// Rounds to eight bits of mantissa, ties to even.
double rounded(double v, FloatPrecision precision) {
  if (precision == FloatPrecision::f32 || v == 0) return v;
  int exponent;
  const double fraction = std::frexp(v, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(fraction, 8)), exponent - 8);
}

std::vector<double> reference(const Network& n, FloatPrecision precision, const std::vector<float>& x, int height,
                              int width) {
  Planes<double> value(n.shape.channels, height, width);
  value.samples.assign(x.begin(), x.end());
  for (double& v : value.samples) v = rounded(v, precision);
  int reach_h = 0, reach_w = 0;
  for (const FloatLayer& l : n.layers) reach_h += l.kernel_h / 2, reach_w += l.kernel_w / 2;
  if (!n.shape.zero_border) value = pad(value, reach_h, reach_w, true);
  std::vector<Planes<double>> result;
  for (const FloatLayer& l : n.layers) {
    if (n.shape.zero_border) value = pad(value, l.kernel_h / 2, l.kernel_w / 2, false);
    const int in = value.channels;
    value = convolve(value, l.out_channels, l.kernel_h, l.kernel_w, [&](int o, int c, int ky, int kx) {
      return rounded(l.weight[((std::size_t(o) * in + c) * l.kernel_h + ky) * l.kernel_w + kx], precision);
    });
    for (int o = 0; o < l.out_channels; ++o)
      for (int i = 0; i < value.height; ++i)
        for (int j = 0; j < value.width; ++j) {
          double& v = value.at(o, i, j);
          v = activate(l.activation, l.slope.empty() ? 0.0 : l.slope[o], v + (l.bias.empty() ? 0.0 : l.bias[o]));
          if (l.skip >= 0) {
            const Planes<double>& earlier = result[l.skip];
            v += earlier.at(o, i + (earlier.height - value.height) / 2, j + (earlier.width - value.width) / 2);
          }
          if (!l.last) v = rounded(v, precision);
        }
    result.push_back(value);
  }
  std::vector<double> y;
  const int r = n.shape.scale;
  for (int c = 0; c < n.shape.channels; ++c)
    for (int i = 0; i < height * r; ++i)
      for (int j = 0; j < width * r; ++j)
        y.push_back(value.at(shuffle_source(n.shape.crd, n.shape.channels, r, c, i % r, j % r), i / r, j / r) +
                    (n.shape.base ? x[(std::size_t(c) * height + i / r) * width + j / r] : 0.0));
  return y;
}

std::vector<float> run(const Network& n, FloatPrecision precision, const std::vector<float>& x, int height, int width,
                       int threads, const std::string& target) {
  FloatSession session(precision, n.shape, threads, target);
  for (const FloatLayer& l : n.layers) session.add(l);
  std::vector<float> y(x.size() * n.shape.scale * n.shape.scale);
  session.run(x.data(), height, width, y.data());
  return y;
}

bool close(const std::vector<float>& result, const std::vector<double>& expected, double most) {
  for (std::size_t k = 0; k < result.size(); ++k)
    if (!(std::abs(result[k] - expected[k]) <= most)) return false;
  return true;
}

void compare(const Network& n, int height, int width, Random& random) {
  std::vector<float> x(static_cast<std::size_t>(n.shape.channels) * height * width), wild = x;
  fill(x, random);
  fill(wild, random, true);
  for (FloatPrecision precision : {FloatPrecision::f32, FloatPrecision::bf16}) {
    const bool f32 = precision == FloatPrecision::f32;
    const std::vector<double> expected = reference(n, precision, x, height, width);
    for (const std::string& target : all_targets()) {
      const std::string text =
          target + (f32 ? " f32" : " bf16") + " on " + std::to_string(height) + "x" + std::to_string(width);
      const std::vector<float> result = run(n, precision, x, height, width, 1, target);
      const std::vector<float> odd = run(n, precision, wild, height, width, 1, target);
      // A sum between two bf16 may be rounded to either, and the next layers add up the difference.
      CHECK(close(result, expected, f32 ? 2e-5 : 2e-2), text);
      for (int t : {2, 5}) {
        CHECK(same_bytes(run(n, precision, x, height, width, t, target), result), text);
        CHECK(same_bytes(run(n, precision, wild, height, width, t, target), odd), text + " with what is no number");
      }
    }
  }
}

}  // namespace

void one_float_chain(Random& random) {
  const int height = random.integer(0, 9) ? random.integer(1, 12) : random.integer(60, 70);
  const int width = random.integer(0, 9) ? random.integer(1, 60) : random.integer(140, 150);
  compare(random_network(random), height, width, random);
}

void float_chains() {
  Random random(91);
  for (int round = 0; round < (kSlow ? 25 : 150); ++round) one_float_chain(random);
  for (int out : {2, 15, 17, 31, 32, 33, 48, 64})
    if (!kSlow || out % 16 < 2)
      compare(wide_network(out, random.integer(1, 4), random), random.integer(1, 7), random.integer(1, 80), random);
  const Network small = random_network(random);
  for (int side = 1; side <= 40; side += kSlow ? 13 : 1) {
    compare(small, side, 41 - side, random);
    compare(small, 2, 4 * side + random.integer(0, 3), random);
  }
}

}  // namespace test
