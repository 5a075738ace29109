// Tests f32 networks: every target against sums in f64, and each with other tiles and threads against itself, byte for
// byte.
#include "subpixel/session.hpp"

#include <cmath>

#include "check.hpp"
#include "reference.hpp"

namespace test {
namespace {

using subpixel::Activation;
using subpixel::Session;

struct Layer {
  int out, kernel_h, kernel_w;
  Activation activation;
  std::vector<float> weight, bias, slope;
};

// A chain of convolutions and a pixel shuffle; the input, its samples repeated, is added to the result.
struct Network {
  int channels, scale;
  bool crd, zero_border;
  std::vector<Layer> layers;
};

Network random_network(Random& random) {
  const Activation kinds[] = {Activation::none, Activation::relu, Activation::prelu, Activation::tanh,
                              Activation::clip};
  Network n{
      random.integer(0, 1) ? 3 : 1, random.integer(1, 4), random.integer(0, 1) == 1, random.integer(0, 1) == 1, {}};
  const int count = random.integer(1, 3);
  for (int k = 0, in = n.channels; k < count; ++k) {
    const bool last = k + 1 == count;
    Layer l{last ? n.channels * n.scale * n.scale : random.integer(1, 19), 2 * random.integer(0, 3) + 1,
            2 * random.integer(0, 3) + 1, last ? Activation::none : kinds[random.integer(0, 4)], {}, {}, {}};
    const int taps = in * l.kernel_h * l.kernel_w;
    for (int w = 0; w < l.out * taps; ++w)
      l.weight.push_back(random.real_number(-1, 1) / std::sqrt(static_cast<float>(taps)));
    for (int o = 0; o < l.out; ++o) {
      l.bias.push_back(random.real_number(-0.1f, 0.1f));
      l.slope.push_back(random.real_number(-0.5f, 0.5f));
    }
    in = l.out;
    n.layers.push_back(l);
  }
  return n;
}

int half(const Layer& l) { return std::max(l.kernel_h, l.kernel_w) / 2; }

std::vector<double> reference(const Network& n, const std::vector<float>& x, int height, int width) {
  Planes<double> value(n.channels, height, width);
  value.samples.assign(x.begin(), x.end());
  int reach_h = 0, reach_w = 0;
  for (const Layer& l : n.layers) reach_h += l.kernel_h / 2, reach_w += l.kernel_w / 2;
  if (!n.zero_border) value = pad(value, reach_h, reach_w, true);
  for (const Layer& l : n.layers) {
    if (n.zero_border) value = pad(value, l.kernel_h / 2, l.kernel_w / 2, false);
    const int in = value.channels;
    value = convolve(value, l.out, l.kernel_h, l.kernel_w, [&](int o, int c, int ky, int kx) {
      return static_cast<double>(l.weight[((std::size_t(o) * in + c) * l.kernel_h + ky) * l.kernel_w + kx]);
    });
    for (int o = 0; o < l.out; ++o)
      for (int k = 0; k < value.height * value.width; ++k) {
        double& v = (&value.at(o, 0, 0))[k];
        v = activate(l.activation, l.slope[o], v + l.bias[o]);
      }
  }
  std::vector<double> y;
  const int r = n.scale;
  for (int c = 0; c < n.channels; ++c)
    for (int i = 0; i < height * r; ++i)
      for (int j = 0; j < width * r; ++j)
        y.push_back(value.at(shuffle_source(n.crd, n.channels, r, c, i % r, j % r), i / r, j / r) +
                    x[(std::size_t(c) * height + i / r) * width + j / r]);
  return y;
}

std::vector<float> run(const Network& n, const std::vector<float>& x, int height, int width, int threads,
                       const std::string& target) {
  int halo = 0;
  for (const Layer& l : n.layers) halo += half(l);
  Session session(n.channels, n.scale, halo, n.zero_border, threads, target);
  int value = 0, lost = 0;
  for (const Layer& l : n.layers) {
    lost += half(l);
    session.add_conv({l.out, 1, lost}, value++, l.kernel_h, l.kernel_w, l.weight.data(), l.bias.data(), l.activation,
                     l.slope.data());
  }
  lost *= n.scale;
  session.add_step({n.channels, n.scale, lost}, subpixel::ShuffleStep{value++, n.scale, n.crd});
  subpixel::ResizeStep repeat{0, n.scale, 1, {}, {}};
  repeat.offset.resize(static_cast<std::size_t>(n.scale), 0);
  repeat.weight.resize(static_cast<std::size_t>(n.scale), 1.0f);
  session.add_step({n.channels, n.scale, 0}, repeat);
  session.add_step({n.channels, n.scale, lost}, subpixel::AddStep{{value, value + 1}});
  std::vector<float> y(x.size() * n.scale * n.scale);
  session.run(x.data(), height, width, y.data());
  return y;
}

bool close(const std::vector<float>& output, const std::vector<double>& expected) {
  for (std::size_t k = 0; k < output.size(); ++k)
    if (!(std::abs(output[k] - expected[k]) <= 2e-5)) return false;
  return true;
}

}  // namespace

void f32_networks() {
  Random random(11);
  for (int round = 0; round < (kSlow ? 25 : 120); ++round) {
    const Network n = random_network(random);
    const int height = random.integer(0, 9) ? random.integer(1, 12) : random.integer(60, 70);
    const int width = random.integer(0, 9) ? random.integer(1, 50) : random.integer(140, 150);
    std::vector<float> x(static_cast<std::size_t>(n.channels) * height * width), wild = x;
    fill(x, random);
    fill(wild, random, true);
    const std::vector<double> expected = reference(n, x, height, width);
    for (const std::string& target : all_targets()) {
      const std::string text = target + " on " + std::to_string(height) + "x" + std::to_string(width);
      const std::vector<float> output = run(n, x, height, width, 1, target),
                               odd = run(n, wild, height, width, 1, target);
      CHECK(close(output, expected), text);
      for (int t : {2, 5}) {
        CHECK(same_bytes(run(n, x, height, width, t, target), output), text);
        CHECK(same_bytes(run(n, wild, height, width, t, target), odd), text + " with what is no number");
      }
    }
  }
}

}  // namespace test
