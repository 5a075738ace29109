// Tests f32 networks: every target against sums in f64, and each with other threads, and so other tiles, against
// itself, byte for byte.
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
  Session session(n.zero_border, threads, target);
  session.add_input({n.channels, 1});
  int value = 0;
  for (const Layer& l : n.layers)
    session.add_conv({l.out, 1}, value++, l.kernel_h, l.kernel_w, 1, l.weight.data(), l.bias.data(), l.activation,
                     l.slope.data());
  session.add_step({n.channels, n.scale}, subpixel::ShuffleStep{value++, n.scale, n.crd});
  subpixel::ResizeStep repeat{0, n.scale, 1, {}, {}};
  repeat.offset.resize(static_cast<std::size_t>(n.scale), 0);
  repeat.weight.resize(static_cast<std::size_t>(n.scale), 1.0f);
  session.add_step({n.channels, n.scale}, repeat);
  session.add_step({n.channels, n.scale}, subpixel::AddStep{{value, value + 1}});
  session.add_output(value + 2);
  std::vector<float> y(x.size() * n.scale * n.scale);
  const float* from = x.data();
  float* to = y.data();
  session.run(&from, height, width, &to);
  return y;
}

// NaN has many representations: which of two operands gives its own depends on the code of a block, and so on the tile.
std::vector<float> with_one_nan(std::vector<float> y) {
  for (float& v : y)
    if (std::isnan(v)) v = std::numeric_limits<float>::quiet_NaN();
  return y;
}

bool close(const std::vector<float>& output, const std::vector<double>& expected, double most = 2e-5) {
  for (std::size_t k = 0; k < output.size(); ++k)
    if (!(std::abs(output[k] - expected[k]) <= most)) return false;
  return true;
}

// Two images, joined; a convolution with a stride; one that makes a flow, shuffled back; the second image warped by it;
// and both images joined with what was warped, convolved. The flow and the last layer are the results.
struct Motion {
  int stride, channels;
  float reach;
  Layer strided, flow, end;
};

Layer random_layer(Random& random, int in, int out, Activation activation) {
  Layer l{out, 2 * random.integer(0, 2) + 1, 2 * random.integer(0, 2) + 1, activation, {}, {}, {}};
  const int taps = in * l.kernel_h * l.kernel_w;
  l.weight.resize(static_cast<std::size_t>(out) * taps);
  for (float& w : l.weight) w = random.real_number(-1, 1) / std::sqrt(static_cast<float>(taps));
  for (int o = 0; o < out; ++o) l.bias.push_back(random.real_number(-0.1f, 0.1f));
  l.slope.resize(l.bias.size());
  return l;
}

Motion random_motion(Random& random) {
  Motion m{random.integer(1, 4), random.integer(1, 2), random.real_number(0.5f, 9), {}, {}, {}};
  const int middle = random.integer(1, 11);
  m.strided = random_layer(random, 2 * m.channels, middle, Activation::relu);
  m.flow = random_layer(random, middle, 2 * m.stride * m.stride, Activation::none);
  for (float& w : m.flow.weight) w *= 3;  // beyond -1 … 1, too
  m.end = random_layer(random, 3 * m.channels, random.integer(1, 9), Activation::tanh);
  return m;
}

using Image = Planes<double>;

Image convolved(const Layer& l, const Image& x, int stride) {
  const Image padded = pad(x, l.kernel_h / 2, l.kernel_w / 2, false);
  const Image all = convolve(padded, l.out, l.kernel_h, l.kernel_w, [&](int o, int c, int ky, int kx) {
    return static_cast<double>(l.weight[((std::size_t(o) * x.channels + c) * l.kernel_h + ky) * l.kernel_w + kx]);
  });
  Image y(l.out, x.height / stride, x.width / stride);
  for (int o = 0; o < l.out; ++o)
    for (int i = 0; i < y.height; ++i)
      for (int j = 0; j < y.width; ++j)
        y.at(o, i, j) = activate(l.activation, 0, all.at(o, i * stride, j * stride) + l.bias[o]);
  return y;
}

Image warped(const Image& x, const Image& flow, double reach) {
  Image y(x.channels, x.height, x.width);
  for (int i = 0; i < x.height; ++i)
    for (int j = 0; j < x.width; ++j) {
      const double column = std::clamp(j + reach * std::clamp(flow.at(0, i, j), -1.0, 1.0), 0.0, x.width - 1.0);
      const double row = std::clamp(i + reach * std::clamp(flow.at(1, i, j), -1.0, 1.0), 0.0, x.height - 1.0);
      const int left = static_cast<int>(column), top = static_cast<int>(row);
      const int right = std::min(left + 1, x.width - 1), bottom = std::min(top + 1, x.height - 1);
      const double across = column - left, down = row - top;
      for (int c = 0; c < x.channels; ++c)
        y.at(c, i, j) = (1 - down) * ((1 - across) * x.at(c, top, left) + across * x.at(c, top, right)) +
                        down * ((1 - across) * x.at(c, bottom, left) + across * x.at(c, bottom, right));
    }
  return y;
}

Image joined(const std::vector<const Image*>& images) {
  Image y(0, images[0]->height, images[0]->width);
  for (const Image* x : images) {
    y.channels += x->channels;
    y.samples.insert(y.samples.end(), x->samples.begin(), x->samples.end());
  }
  return y;
}

Image image_of(const std::vector<float>& x, int channels, int height, int width) {
  Image image(channels, height, width);
  image.samples.assign(x.begin(), x.end());
  return image;
}

Image expected_flow(const Motion& m, const Image& a, const Image& b) {
  const Image small = convolved(m.flow, convolved(m.strided, joined({&a, &b}), m.stride), 1);
  const int r = m.stride;
  Image flow(2, a.height, a.width);
  for (int c = 0; c < 2; ++c)
    for (int i = 0; i < a.height; ++i)
      for (int j = 0; j < a.width; ++j)
        flow.at(c, i, j) = small.at(shuffle_source(true, 2, r, c, i % r, j % r), i / r, j / r);
  return flow;
}

struct MotionResult {
  std::vector<float> flow, end;
};

// Height and width in units, which are squares of `stride` samples.
MotionResult run_motion(const Motion& m, const std::vector<float>& a, const std::vector<float>& b, int height,
                        int width, int threads, const std::string& target) {
  Session session(true, threads, target);
  const auto conv = [&](const Layer& l, int source, int scale, int stride) {
    session.add_conv({l.out, scale}, source, l.kernel_h, l.kernel_w, stride, l.weight.data(), l.bias.data(),
                     l.activation, l.slope.data());
  };
  const int s = m.stride;
  session.add_input({m.channels, s});
  session.add_input({m.channels, s});
  session.add_step({2 * m.channels, s}, subpixel::ConcatStep{{0, 1}});
  conv(m.strided, 2, 1, s);
  conv(m.flow, 3, 1, 1);
  session.add_step({2, s}, subpixel::ShuffleStep{4, s, true});
  session.add_step({m.channels, s}, subpixel::WarpStep{1, 5, m.reach});
  session.add_step({3 * m.channels, s}, subpixel::ConcatStep{{0, 6, 1}});
  conv(m.end, 7, s, 1);
  session.add_output(5);
  session.add_output(8);
  const std::size_t samples = static_cast<std::size_t>(height) * width * s * s;
  MotionResult result{std::vector<float>(2 * samples), std::vector<float>(m.end.out * samples)};
  const float* from[] = {a.data(), b.data()};
  float* to[] = {result.flow.data(), result.end.data()};
  session.run(from, height, width, to);
  return result;
}

void any_motion(Random& random) {
  const Motion m = random_motion(random);
  const int height = random.integer(0, 9) ? random.integer(1, 9) : random.integer(40, 60);
  const int width = random.integer(0, 9) ? random.integer(1, 30) : random.integer(70, 160);
  const int high = height * m.stride, wide = width * m.stride;
  std::vector<float> a(static_cast<std::size_t>(m.channels) * high * wide), b = a;
  fill(a, random);
  fill(b, random);
  const Image one = image_of(a, m.channels, high, wide), two = image_of(b, m.channels, high, wide);
  const Image flow = expected_flow(m, one, two);
  for (const std::string& target : all_targets()) {
    const std::string text = target + " on " + std::to_string(high) + "x" + std::to_string(wide) + ", stride " +
                             std::to_string(m.stride);
    const MotionResult result = run_motion(m, a, b, height, width, 1, target);
    CHECK(close(result.flow, flow.samples), text);
    // From the engine's own flow: a position is an f32, so a difference of flows would grow with the image.
    const Image moved = warped(two, image_of(result.flow, 2, high, wide), m.reach);
    CHECK(close(result.end, convolved(m.end, joined({&one, &moved, &two}), 1).samples, 1e-4), text);
    for (int threads : {2, 5}) {
      const MotionResult again = run_motion(m, a, b, height, width, threads, target);
      CHECK(same_bytes(again.flow, result.flow) && same_bytes(again.end, result.end), text);
    }
  }
}

void any_network(Random& random) {
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
                             odd = with_one_nan(run(n, wild, height, width, 1, target));
    CHECK(close(output, expected), text);
    for (int t : {2, 5}) {
      CHECK(same_bytes(run(n, x, height, width, t, target), output), text);
      CHECK(same_bytes(with_one_nan(run(n, wild, height, width, t, target)), odd), text + " with what is no number");
    }
  }
}

}  // namespace

void one_f32_network(Random& random) {
  if (random.integer(0, 2) == 0) any_motion(random);
  else any_network(random);
}

void f32_networks() {
  Random random(11);
  for (int round = 0; round < (kSlow ? 15 : 80); ++round) any_motion(random);
  for (int round = 0; round < (kSlow ? 25 : 120); ++round) any_network(random);
}

}  // namespace test
