// Tests frames of video: luma against the session's own planes, chroma against plain loops, byte for byte, on every
// target. Nothing may be written between the rows.
#include "subpixel/frame.hpp"

#include <algorithm>

#include "check.hpp"
#include "subpixel/float_session.hpp"
#include "subpixel/integer_session.hpp"

namespace test {
namespace {

using subpixel::Activation;
using subpixel::Codes;
using subpixel::Frame;
using subpixel::FramePlane;
using subpixel::Phase;

// A plane with padding between its rows.
template <class Code>
struct Plane {
  int height, width;
  std::ptrdiff_t stride;
  std::vector<Code> samples;

  Plane(int h, int w, Random& random)
      : height(h),
        width(w),
        stride(w + random.integer(0, 9)),
        samples(static_cast<std::size_t>(stride * h), Code{0x5a}) {}
  Code& at(int i, int j) { return samples[static_cast<std::size_t>(i * stride + j)]; }
  const Code& at(int i, int j) const { return samples[static_cast<std::size_t>(i * stride + j)]; }
  FramePlane<const Code> in() const { return {samples.data(), stride, height, width}; }
  // Bottom up: the first row is last in memory.
  FramePlane<const Code> upwards() const { return {&at(height - 1, 0), -stride, height, width}; }
  FramePlane<Code> out() { return {samples.data(), stride, height, width}; }
};

struct Setting {
  int scale, bits, down, across, planes;
  bool full_range;
  std::vector<Phase> rows, columns;
};

std::vector<Phase> random_phases(int scale, Random& random) {
  std::vector<Phase> phases;
  for (int k = 0; k < scale; ++k) {
    Phase p{-random.integer(1, 2), {}};
    for (float& w : p.weight) w = random.real_number(-0.3f, 0.8f);
    phases.push_back(p);
  }
  return phases;
}

Setting random_setting(int bits, Random& random) {
  const int factors[] = {1, 1, 2, 2, 4};
  Setting s{random.integer(1, 5),
            bits,
            factors[random.integer(0, 4)],
            factors[random.integer(0, 4)],
            random.integer(0, 4) ? 3 : 1,
            random.integer(0, 1) == 1,
            {},
            {}};
  s.rows = random_phases(s.scale, random);
  s.columns = random_phases(s.scale, random);
  return s;
}

template <class Code>
Code rounded(float v, int most) {
  v += 0.5f;
  return static_cast<Code>(std::min(std::max(v, 0.0f), static_cast<float>(most)));
}

template <class Code>
Plane<Code> chroma(const Plane<Code>& x, int height, int width, const Setting& s, Random& random) {
  Plane<Code> y(height, width, random);
  const auto inside = [](int k, int side) { return std::clamp(k, 0, side - 1); };
  const auto sum = [](const Phase& p, const auto& at) {
    return ((at(0) * p.weight[0] + at(1) * p.weight[1]) + at(2) * p.weight[2]) + at(3) * p.weight[3];
  };
  for (int i = 0; i < height; ++i)
    for (int j = 0; j < width; ++j) {
      const Phase &down = s.rows[i % s.scale], &across = s.columns[j % s.scale];
      const float result = sum(across, [&](int u) {
        const int column = inside(j / s.scale + across.first + u, x.width);
        return sum(down, [&](int t) {
          return static_cast<float>(x.at(inside(i / s.scale + down.first + t, x.height), column));
        });
      });
      y.at(i, j) = rounded<Code>(result, (1 << s.bits) - 1);
    }
  return y;
}

template <class Code>
Plane<Code> luma(const subpixel::ChainSession& session, const Plane<Code>& x, const Setting& s, Random& random) {
  const Codes c = subpixel::codes_of(s.bits, s.full_range);
  std::vector<float> values, result(static_cast<std::size_t>(x.height) * x.width * s.scale * s.scale);
  for (int i = 0; i < x.height; ++i)
    for (int j = 0; j < x.width; ++j) {
      const float scaled = static_cast<float>(x.at(i, j)) * c.unit;
      values.push_back(scaled + c.black);
    }
  session.run(values.data(), x.height, x.width, result.data());
  Plane<Code> y(x.height * s.scale, x.width * s.scale, random);
  for (int i = 0; i < y.height; ++i)
    for (int j = 0; j < y.width; ++j) {
      const float scaled = (result[std::size_t(i) * y.width + j] - c.black) * c.codes;
      y.at(i, j) = rounded<Code>(scaled, c.most);
    }
  return y;
}

// Bytes of studio range, in integer arithmetic throughout.
Plane<std::uint8_t> luma_of_bytes(const subpixel::IntegerSession& session, const Plane<std::uint8_t>& x, int scale,
                                  Random& random) {
  std::vector<std::uint8_t> values, result(static_cast<std::size_t>(x.height) * x.width * scale * scale);
  for (int i = 0; i < x.height; ++i) values.insert(values.end(), &x.at(i, 0), &x.at(i, 0) + x.width);
  session.run(values.data(), x.height, x.width, result.data());
  Plane<std::uint8_t> y(x.height * scale, x.width * scale, random);
  for (int i = 0; i < y.height; ++i)
    std::copy_n(result.begin() + std::ptrdiff_t{i} * y.width, y.width, &y.at(i, 0));
  return y;
}

template <class Code, class Session>
void compare(const Session& session, const Setting& s, int height, int width, Random& random, const std::string& text) {
  const auto part = [](int side, int factor) { return (side + factor - 1) / factor; };
  Frame<Code> frame{{}, {}, s.planes, s.down, s.across, s.rows, s.columns, subpixel::codes_of(s.bits, s.full_range)};
  std::vector<Plane<Code>> x, y, expected;
  for (int k = 0; k < s.planes; ++k) {
    const int down = k ? s.down : 1, across = k ? s.across : 1;
    x.emplace_back(part(height, down), part(width, across), random);
    for (int i = 0; i < x[k].height; ++i)
      for (int j = 0; j < x[k].width; ++j) x[k].at(i, j) = static_cast<Code>(random.value(0, (1 << s.bits) - 1));
    const int made_h = part(height * s.scale, down), made_w = part(width * s.scale, across);
    if (k) expected.push_back(chroma(x[k], made_h, made_w, s, random));
    else expected.push_back(luma(session, x[k], s, random));
    if constexpr (std::is_same_v<Code, std::uint8_t> && std::is_same_v<Session, subpixel::IntegerSession>)
      if (k == 0 && frame.codes.bytes) expected[0] = luma_of_bytes(session, x[0], s.scale, random);
    y.push_back(expected[k]);
    for (int i = 0; i < y[k].height; ++i) std::fill_n(&y[k].at(i, 0), y[k].width, Code{1});
  }
  for (int k = 0; k < s.planes; ++k) {
    frame.x[k] = x[k].in();
    frame.y[k] = y[k].out();
  }
  session.run(frame);
  for (int k = 0; k < s.planes; ++k)
    CHECK(same_bytes(y[k].samples, expected[k].samples),
          text + " plane " + std::to_string(k) + " x" + std::to_string(s.scale) + " of " + std::to_string(height) +
              "x" + std::to_string(width) + ", " + std::to_string(s.bits) + " bits");
}

subpixel::IntegerSession int8_session(int scale, bool base, int threads, const std::string& target, Random& random) {
  const int out = scale * scale;
  subpixel::IntegerSession result({1, scale, true, base, false}, threads, target);
  subpixel::IntegerLayer l{1, out, 3, 5, Activation::none, 0, {}, {}, {}, {}, {}, true};
  for (int w = 0; w < out * 15; ++w) l.weight.push_back(static_cast<std::int8_t>(random.value(-128, 127)));
  l.bias.assign(static_cast<std::size_t>(out), 1000);
  l.shift.assign(static_cast<std::size_t>(out), 4);
  l.multiplier.assign(static_cast<std::size_t>(out), 20000);
  result.add(l);
  return result;
}

subpixel::FloatSession f32_session(int scale, bool base, int threads, const std::string& target, Random& random) {
  const int out = scale * scale;
  subpixel::FloatSession result(subpixel::FloatPrecision::f32, {1, scale, true, base, true}, threads, target);
  subpixel::FloatLayer l{1, out, 5, 3, Activation::none, {}, {}, {}, true};
  for (int w = 0; w < out * 15; ++w) l.weight.push_back(random.real_number(-0.2f, 0.2f));
  result.add(l);
  return result;
}

void compare_on_every_target(const Setting& s, int height, int width, int threads, Random& random) {
  const bool base = random.integer(0, 1) == 1;
  for (const std::string& target : all_targets()) {
    const auto integer = int8_session(s.scale, base, threads, target, random);
    const auto real_number = f32_session(s.scale, base, threads, target, random);
    if (s.bits == 8) {
      compare<std::uint8_t>(integer, s, height, width, random, target + " int8");
      compare<std::uint8_t>(real_number, s, height, width, random, target + " f32");
    } else {
      compare<std::uint16_t>(integer, s, height, width, random, target + " int8");
      compare<std::uint16_t>(real_number, s, height, width, random, target + " f32");
    }
  }
}

void rows_bottom_up() {
  Random random(3);
  Setting s = random_setting(10, random);
  s.planes = 1;
  const auto session = int8_session(s.scale, true, 1, "", random);
  Plane<std::uint16_t> x(7, 9, random), flipped = x;
  for (int i = 0; i < 7; ++i)
    for (int j = 0; j < 9; ++j) flipped.at(6 - i, j) = x.at(i, j) = static_cast<std::uint16_t>(random.integer(0, 1023));
  Plane<std::uint16_t> y(7 * s.scale, 9 * s.scale, random), z = y;
  const Codes codes = subpixel::codes_of(10, false);
  session.run(Frame<std::uint16_t>{{x.in()}, {y.out()}, 1, 1, 1, s.rows, s.columns, codes});
  session.run(Frame<std::uint16_t>{{flipped.upwards()}, {z.out()}, 1, 1, 1, s.rows, s.columns, codes});
  CHECK(same_bytes(y.samples, z.samples), "rows bottom up");
}

}  // namespace

void one_frame(Random& random) {
  const int bits[] = {8, 8, 9, 10, 12, 16}, some = bits[random.integer(0, 5)];
  const int height = random.integer(1, 40), width = random.integer(1, 70), threads = random.integer(1, 4);
  compare_on_every_target(random_setting(some, random), height, width, threads, random);
}

void frames() {
  Random random(17);
  const int bits[] = {8, 8, 9, 10, 12, 16};
  for (int round = 0; round < (kSlow ? 30 : 300); ++round)
    compare_on_every_target(random_setting(bits[round % 6], random), random.integer(1, 40), random.integer(1, 70),
                            random.integer(1, 4), random);
  // More than one strip, with factors that do not divide the width.
  for (int round = 0; round < (kSlow ? 2 : 8); ++round)
    compare_on_every_target(random_setting(bits[round % 6], random), 2, 65537 + random.integer(0, 3), 2, random);
  rows_bottom_up();
}

}  // namespace test
