// Tests quantised networks: the scalar target against plain loops, all others against the scalar one, byte for byte.
#include <cmath>

#include "check.hpp"
#include "reference.hpp"
#include "subpixel/integer_session.hpp"
#include "subpixel/parallel.hpp"

namespace test {
namespace {

using subpixel::Activation;
using subpixel::ConvForm;
using subpixel::IntegerLayer;
using subpixel::IntegerSession;

struct Shape {
  int out, kernel_h, kernel_w;
  Activation activation;
};

struct Network {
  int channels, scale;
  bool crd, base, zero_border;
  std::vector<IntegerLayer> layers;

  std::string text() const {
    std::string result =
        std::to_string(channels) + " channels x" + std::to_string(scale) + (zero_border ? " zeros" : "");
    for (const IntegerLayer& l : layers)
      result +=
          ", " + std::to_string(l.out_channels) + ": " + std::to_string(l.kernel_h) + "x" + std::to_string(l.kernel_w);
    return result;
  }
};

IntegerLayer random_layer(int in, const Shape& s, bool last, Random& random) {
  IntegerLayer l{in, s.out, s.kernel_h, s.kernel_w, s.activation, random.integer(0, 3) ? random.integer(0, 255) : 0,
                 {}, {}, {}, {}, {}, last};
  const int taps = in * s.kernel_h * s.kernel_w;
  for (int k = 0; k < s.out * taps; ++k) l.weight.push_back(static_cast<std::int8_t>(random.value(-128, 127)));
  // Most results use the range of a byte, some leave it, and a few shifts are at the ends of their range.
  const int usual = static_cast<int>(std::log2(std::sqrt(static_cast<double>(taps)) * 9000.0 / 300.0));
  for (int o = 0; o < s.out; ++o) {
    l.bias.push_back(random.value(-20000, 20000));
    l.shift.push_back(random.integer(0, 15) ? std::clamp(usual + random.integer(-3, 1), 0, 31)
                                            : random.integer(0, 1) * 31);
    l.multiplier.push_back(static_cast<std::int16_t>(random.integer(0, 9) ? random.integer(4096, 32767) : 0));
    if (s.activation == Activation::prelu) l.slope.push_back(static_cast<std::int16_t>(random.integer(-32768, 32767)));
  }
  return l;
}

Network random_network(int channels, int scale, bool base, bool zero_border, std::vector<Shape> hidden, int kernel_h,
                       int kernel_w, Random& random) {
  Network n{channels, scale, random.integer(0, 1) == 1, base, zero_border, {}};
  hidden.push_back({channels * scale * scale, kernel_h, kernel_w, Activation::none});
  for (std::size_t k = 0; k < hidden.size(); ++k) {
    const int in = k == 0 ? channels : hidden[k - 1].out;
    n.layers.push_back(random_layer(in, hidden[k], k + 1 == hidden.size(), random));
    IntegerLayer& result = n.layers.back();
    const int earlier = random.integer(0, static_cast<int>(k));  // a skip if it fits
    if (result.last || result.activation == Activation::tanh || earlier == static_cast<int>(k)) continue;
    if (n.layers[earlier].out_channels != result.out_channels) continue;
    result.skip = earlier;
    result.skip_gain = static_cast<std::int16_t>(random.integer(-32768, 32767));
  }
  return n;
}

// ---- plain loops

using Ints = Planes<long long>;

long long product(long long a, long long b) { return (a * b + (1 << 14)) >> 15; }

long long activate(const IntegerLayer& l, int channel, long long z) {
  if (l.activation == Activation::prelu && z < 0) return product(z, l.slope[channel]);
  if (l.activation != Activation::tanh) return z;
  const long long u = std::clamp(8 * z, -32767ll, 32767ll), square = product(u, u);
  long long p = subpixel::kTanh[4];
  for (int k = 3; k >= 0; --k) p = product(p, square) + subpixel::kTanh[k];
  return (product(p, u) + 8) >> 4;
}

// The middle of an earlier value, as large as `like`, in the units of the value that it is added to.
Ints scale_skip(const IntegerLayer& l, const Ints& earlier, long long zero, const Ints& like) {
  Ints result(like.channels, like.height, like.width);
  const int down = (earlier.height - like.height) / 2, right = (earlier.width - like.width) / 2;
  for (int c = 0; c < result.channels; ++c)
    for (int i = 0; i < result.height; ++i)
      for (int j = 0; j < result.width; ++j)
        result.at(c, i, j) = product((earlier.at(c, i + down, j + right) - zero) * 128, l.skip_gain);
  return result;
}

Ints layer_of(const IntegerLayer& l, const Ints& x, const std::vector<Ints>& earlier,
              const std::vector<long long>& zeros) {
  Ints result = convolve(x, l.out_channels, l.kernel_h, l.kernel_w, [&](int o, int c, int ky, int kx) {
    return static_cast<long long>(l.weight[((std::size_t(o) * l.in_channels + c) * l.kernel_h + ky) * l.kernel_w + kx]);
  });
  const bool skips = l.skip >= 0;
  const Ints more = skips ? scale_skip(l, earlier[l.skip], zeros[l.skip], result) : Ints(1, 1, 1);
  for (int o = 0; o < result.channels; ++o)
    for (int k = 0; k < result.height * result.width; ++k) {
      long long& v = (&result.at(o, 0, 0))[k];
      const long long y = std::clamp((v + l.bias[o]) >> l.shift[o], -32768ll, 32767ll);
      v = product(y, l.multiplier[o]);
      if (l.last) continue;
      v = activate(l, o, v);
      if (skips) v = (l.activation == Activation::relu ? std::max(v, 0ll) : v) + more.samples[&v - &result.at(0, 0, 0)];
      v = std::clamp(v + l.zero, 0ll, 255ll);
    }
  return result;
}

int halves_of(std::uint8_t v) { return 2 * v; }
int halves_of(float v) {
  const float scaled = v * 510.0f + 0.5f;
  return std::isnan(scaled) || scaled < 1.0f ? 0 : scaled >= 510.0f ? 510 : static_cast<int>(scaled);
}

std::uint8_t sum_of(std::uint8_t base, long long z) {
  return static_cast<std::uint8_t>(std::clamp((16 * base + z + 8) >> 4, 0ll, 255ll));
}
float sum_of(float base, long long z) {
  const float part = static_cast<float>(z) * (1.0f / (16.0f * 255.0f));
  return base + part;
}

template <class Sample>
std::vector<Sample> reference(const Network& n, const std::vector<Sample>& x, int height, int width) {
  Ints value(n.channels, height, width);
  for (std::size_t k = 0; k < x.size(); ++k) value.samples[k] = halves_of(x[k]);
  int reach_h = 0, reach_w = 0;
  for (const IntegerLayer& l : n.layers) reach_h += l.kernel_h / 2, reach_w += l.kernel_w / 2;
  if (!n.zero_border) value = pad(value, reach_h, reach_w, true);
  long long zero = 0;
  std::vector<Ints> earlier;
  std::vector<long long> zeros;
  for (const IntegerLayer& l : n.layers) {
    if (n.zero_border) value = pad(value, l.kernel_h / 2, l.kernel_w / 2, false, zero);
    value = layer_of(l, value, earlier, zeros);
    zero = l.zero;
    earlier.push_back(value);
    zeros.push_back(zero);
  }
  const int r = n.scale;
  std::vector<Sample> y;
  for (int c = 0; c < n.channels; ++c)
    for (int i = 0; i < height * r; ++i)
      for (int j = 0; j < width * r; ++j) {
        const Sample base = n.base ? x[(std::size_t(c) * height + i / r) * width + j / r] : Sample{0};
        y.push_back(sum_of(base, value.at(shuffle_source(n.crd, n.channels, r, c, i % r, j % r), i / r, j / r)));
      }
  return y;
}

// ---- comparisons

IntegerSession session_of(const Network& n, int threads, const std::string& target, ConvForm form) {
  IntegerSession session({n.channels, n.scale, n.crd, n.base, n.zero_border}, threads, target, form);
  for (const IntegerLayer& l : n.layers) session.add(l);
  return session;
}

// Whether each layer is computed in Winograd's form.
std::vector<bool> forms_of(const Network& n, const std::string& target, ConvForm form) {
  const IntegerSession session = session_of(n, 1, target, form);
  std::vector<bool> forms;
  for (int k = 0; k < session.layers(); ++k) forms.push_back(session.winograd(k));
  return forms;
}

template <class Sample>
std::vector<Sample> run(const Network& n, const std::vector<Sample>& x, int height, int width, int threads,
                        const std::string& target, ConvForm form) {
  const IntegerSession session = session_of(n, threads, target, form);
  std::vector<Sample> y(x.size() * n.scale * n.scale);
  session.run(x.data(), height, width, y.data());
  return y;
}

// Sums of infinities are NaN, whose sign depends on the processor.
bool same(const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b) { return same_bytes(a, b); }
bool same(std::vector<float> a, std::vector<float> b) {
  for (std::vector<float>* v : {&a, &b})
    for (float& s : *v)
      if (std::isnan(s)) s = std::numeric_limits<float>::quiet_NaN();
  return same_bytes(a, b);
}

template <class Sample>
void compare(const Network& n, int height, int width, std::initializer_list<int> threads, Random& random) {
  std::vector<Sample> x(static_cast<std::size_t>(n.channels) * height * width);
  fill(x, random, random.integer(0, 1) == 1);
  const std::vector<Sample> expected = reference(n, x, height, width);
  for (const std::string& target : all_targets()) {
    const auto check = [&](ConvForm form, int t) {
      CHECK(same(run(n, x, height, width, t, target, form), expected),
            target + " " + n.text() + " on " + std::to_string(height) + "x" + std::to_string(width) + ", " +
                std::to_string(t) + " threads, " + std::to_string(sizeof(Sample)) + " bytes a sample" +
                (form == ConvForm::direct ? ", direct" : ""));
    };
    for (int t : threads) check(ConvForm::winograd, t);
    if (forms_of(n, target, ConvForm::winograd) != forms_of(n, target, ConvForm::direct))
      check(ConvForm::direct, *threads.begin());
  }
}

constexpr Activation kRelu = Activation::relu, kPrelu = Activation::prelu, kTanhs = Activation::tanh;

void any_shape(Random& random) {
  const int kernels[][2] = {{1, 1}, {3, 3}, {5, 5}, {7, 7}, {9, 9}, {3, 5}, {5, 3}, {1, 7}, {9, 1}};
  const int outs[] = {1, 3, 4, 5, 7, 8, 9, 12, 13, 16, 20, 33};
  const Activation kinds[] = {kRelu, kPrelu, kTanhs, Activation::none};
  const auto kernel = [&] { return kernels[random.integer(0, 8)]; };
  std::vector<Shape> hidden;
  for (int k = random.integer(0, 3); k > 0; --k) {
    const int* size = kernel();
    hidden.push_back({outs[random.integer(0, 11)], size[0], size[1], kinds[random.integer(0, 3)]});
  }
  const int scales[] = {1, 2, 3, 4, 8, 5}, *size = kernel();
  const int channels = random.integer(0, 4) == 0 ? random.integer(2, 6) : random.integer(0, 1) ? 3 : 1;
  const int height = random.integer(1, 20), width = random.integer(1, 60);
  const bool floats = random.integer(0, 1);
  const Network n = random_network(channels, scales[random.integer(0, channels > 1 ? 3 : 5)], random.integer(0, 1),
                                   random.integer(0, 1), hidden, size[0], size[1], random);
  if (floats) compare<float>(n, height, width, {1, 2, 5}, random);
  else compare<std::uint8_t>(n, height, width, {1, 2, 5}, random);
}

void many_shapes() {
  Random random(1);
  for (int round = 0; round < (kSlow ? 25 : 300); ++round) any_shape(random);
}

void all_sizes() {
  Random random(2);
  const Network nets[] = {
      random_network(1, 2, true, false, {{6, 3, 3, kTanhs}, {4, 3, 3, kPrelu}}, 3, 3, random),
      random_network(3, 1, false, true, {{5, 5, 3, kRelu}}, 3, 5, random),
  };
  for (const Network& n : nets)
    for (int height = 1; height <= 40; height += kSlow ? 12 : 2)
      for (int width = 1; width <= 40; width += kSlow ? 12 : 2) {
        compare<std::uint8_t>(n, height, width, {1}, random);
        compare<float>(n, height, width, {2}, random);
      }
}

// Widths around the vectors and blocks of every target, and around the strips of a wide image.
void all_widths() {
  Random random(3);
  const Network small = random_network(1, 3, true, false, {{8, 3, 3, kPrelu}}, 3, 3, random);
  for (int width = 1; width <= 205; width += kSlow ? 15 : 1) compare<std::uint8_t>(small, 2, width, {1}, random);
  // Many rows, so that strips are as narrow as possible.
  std::vector<Shape> tall;
  for (int k = 0; k < 5; ++k) tall.insert(tall.end(), {{64, 1, 1, kRelu}, {4, 9, 1, kTanhs}});
  for (bool zero_border : {true, false}) {
    const Network wide = random_network(1, 1, true, zero_border, tall, 1, 3, random);
    for (int width : {191, 192, 193, 287, 289, 384, 385, 577})
      if (!kSlow || (zero_border ? width > 384 : width == 385)) compare<std::uint8_t>(wide, 2, width, {2}, random);
  }
  // The longest strips there are.
  const Network thin = random_network(1, 1, false, false, {}, 1, 1, random);
  for (int width : {65535, 65536, 65569, 131072}) compare<std::uint8_t>(thin, 1, width, {1}, random);
}

void many_rows() {
  Random random(4);
  const Network n = random_network(3, 2, true, true, {{8, 5, 5, kRelu}, {8, 3, 3, kTanhs}}, 3, 3, random);
  for (int height : {95, 96, 97, 193}) compare<float>(n, height, 9, {1, 2, 5}, random);
}

// Layers with channels and taps around the blocks of tiles: 16 channels, and steps of 16 cells.
void many_channels() {
  Random random(5);
  const int sides[] = {1, 3, 5, 7, 9}, scales[] = {2, 3, 4, 8};
  const Activation kinds[] = {kRelu, kPrelu, kTanhs, Activation::none};
  for (int out : {2, 15, 16, 17, 31, 32, 36, 48, 61, 64}) {
    if (kSlow && out % 16 > 1) continue;
    for (bool zero_border : {false, true}) {
      const auto side = [&] { return sides[random.integer(0, out > 40 ? 2 : 4)]; };
      std::vector<Shape> hidden;
      for (int k = 0; k < 3; ++k) hidden.push_back({out, side(), side(), kinds[random.integer(0, 3)]});
      const int scale = scales[random.integer(0, 3)], last = side();
      const Network n = random_network(1, scale, true, zero_border, hidden, last, last, random);
      compare<std::uint8_t>(n, random.integer(1, 12), kSlow ? 17 : random.integer(1, 150), {1, 3}, random);
    }
  }
}

// ---- flat cells, by src/subpixel/models/flat.py

// Halves of a code; outside the image its edge.
struct Halves {
  int height, width;
  std::vector<int> samples;
  int at(int i, int j) const {
    return samples[static_cast<std::size_t>(std::clamp(i, 0, height - 1) * width + std::clamp(j, 0, width - 1))];
  }
  int bend(int i, int j) const {
    const auto second = [&](int a, int b) { return std::abs(at(i - a, j - b) - 2 * at(i, j) + at(i + a, j + b)); };
    return std::max(std::max(second(0, 1), second(1, 0)), std::max(second(1, 1), second(1, -1)));
  }
  bool busy(int row, int column, int threshold) const {
    const int top = 8 * row, left = 8 * column;
    if (top < 0 || left < 0 || top >= height || left >= width) return false;
    int largest = 0, sum = 0;
    for (int i = std::max(0, top - 4); i < std::min(height, top + 12); ++i)
      for (int j = std::max(0, left - 4); j < std::min(width, left + 12); ++j) {
        largest = std::max(largest, bend(i, j));
        if (i >= top && i < top + 8 && j >= left && j < left + 8) sum += bend(i, j);
      }
    return largest > threshold || 4 * sum > 64 * threshold;
  }
  bool flat(int row, int column, int threshold) const {
    for (int a = row - 1; a <= row + 1; ++a)
      for (int b = column - 1; b <= column + 1; ++b) {
        bool some = false;
        for (int k = 0; k < 9; ++k) some |= busy(a + k / 3 - 1, b + k % 3 - 1, threshold);
        if (!some) return true;
      }
    return false;
  }
};

// Keys' weights for twice the size, of the samples -2, -1, 1 and 2.
const std::vector<std::int16_t> kTaps = {-768, 7424, -2304, 0, 0, -2304, 7424, -768};

long long plain(const Halves& x, int i, int j, int down, int across) {
  const auto weighted = [](int place, const auto& sample) {
    const int offsets[] = {-2, -1, 1, 2};
    long long sum = 0;
    for (int k = 0; k < 4; ++k) sum += product(sample(offsets[k]) - sample(0), kTaps[4 * place + k]);
    return sum;
  };
  const auto rows = [&](int column) { return weighted(down, [&](int k) { return 16ll * x.at(i + k, column); }); };
  const auto v = [&](int k) {
    const int column = std::clamp(j + k, 0, x.width - 1);
    return 16ll * x.at(i, column) + rows(column);
  };
  return (rows(j) + weighted(across, v) + 1) >> 1;
}

void any_flat_cells(Random& random) {
  std::vector<Shape> hidden;
  for (int k = random.integer(1, 3); k > 0; --k) hidden.push_back({random.integer(4, 17), 3, 3, kRelu});
  const Network n = random_network(1, 2, random.integer(0, 1), random.integer(0, 1), hidden, 3, 3, random);
  const int height = random.integer(1, 60), width = random.integer(1, 150), threshold = random.integer(0, 20);
  std::vector<std::uint8_t> x(static_cast<std::size_t>(height) * width);
  const int slope = random.integer(-2, 2), top = random.integer(0, height), left = random.integer(0, width);
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j) {
      const bool noisy = i >= top && i < top + 9 && j >= left && j < left + 20;
      const int code = 128 + slope * i / 2 + (noisy ? random.integer(-90, 90) : random.integer(0, 9) == 0);
      x[static_cast<std::size_t>(i) * width + j] = static_cast<std::uint8_t>(std::clamp(code, 0, 255));
    }
  Halves halves{height, width, {}};
  for (std::uint8_t code : x) halves.samples.push_back(halves_of(code));
  const int cells_h = subpixel::ceil_div(height, 8), cells_w = subpixel::ceil_div(width, 8);
  std::vector<bool> flat;
  for (int k = 0; k < cells_h * cells_w; ++k) flat.push_back(halves.flat(k / cells_w, k % cells_w, threshold));
  std::vector<std::uint8_t> expected = reference(n, x, height, width);
  for (int i = 0; i < 2 * height; ++i)
    for (int j = 0; j < 2 * width; ++j) {
      if (!flat[static_cast<std::size_t>(i / 16 * cells_w + j / 16)]) continue;
      const int sample = halves.at(i / 2, j / 2);
      const long long z = plain(halves, i / 2, j / 2, i % 2, j % 2) + (n.base ? 0 : 8 * sample);
      expected[static_cast<std::size_t>(i) * 2 * width + j] =
          sum_of(static_cast<std::uint8_t>(n.base ? sample / 2 : 0), z);
    }
  for (const std::string& target : all_targets())
    for (int threads : {1, 3}) {
      IntegerSession session({1, 2, n.crd, n.base, n.zero_border}, threads, target);
      for (const IntegerLayer& l : n.layers) session.add(l);
      session.skip_flat(threshold, {kTaps, std::vector<float>(8)});
      std::vector<std::uint8_t> y(expected.size());
      session.run(x.data(), height, width, y.data());
      CHECK(same(y, expected), target + " flat cells up to " + std::to_string(threshold) + ", " + n.text() + " on " +
                                   std::to_string(height) + "x" + std::to_string(width) + ", " +
                                   std::to_string(threads) + " threads");
    }
}

void flat_cells() {
  Random random(6);
  for (int round = 0; round < (kSlow ? 12 : 60); ++round) any_flat_cells(random);
}

// A process always chooses the same form for a layer, whichever of its threads asks first; and never one that the
// target lacks or that does not fit the sums.
void forms() {
  Random random(6);
  for (const std::string& target : all_targets())
    for (int channels : {5, 16, 48}) {
      const std::vector<Shape> hidden = {{channels, 5, 5, kRelu}, {channels, 3, 3, kRelu}};
      const Network n = random_network(1, 2, true, false, hidden, 3, 3, random);
      const std::vector<bool> most = forms_of(n, target, ConvForm::winograd);
      std::vector<std::vector<bool>> chosen(8);
      subpixel::parallel(8, 4, [&](const auto& next) {
        for (int k = next(); k < 8; k = next()) chosen[k] = forms_of(n, target, ConvForm::faster);
      });
      const std::string text = target + " " + n.text();
      for (const std::vector<bool>& one : chosen) CHECK(one == chosen[0], text + ": another form");
      for (std::size_t k = 0; k < most.size(); ++k) {
        CHECK(most[k] || !chosen[0][k], text + ": a form that it lacks");
        CHECK(!forms_of(n, target, ConvForm::direct)[k], text + ": not direct");
      }
    }
  const Network large = random_network(1, 1, true, false, {{32, 1, 1, kRelu}}, 63, 3, random);  // sums of 29 bits
  for (const std::string& target : all_targets())
    CHECK(!forms_of(large, target, ConvForm::winograd)[1], target + ": sums that do not fit");
}

}  // namespace

void one_integer_network(Random& random) {
  if (random.integer(0, 3) == 0) any_flat_cells(random);
  else any_shape(random);
}

void integer_networks() {
  forms();
  many_shapes();
  all_sizes();
  all_widths();
  many_rows();
  many_channels();
  flat_cells();
}

}  // namespace test
