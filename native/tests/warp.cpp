// Tests sampling: every target gives the scalar one's bytes, with any number of threads. Integer positions give the
// samples there.
#include "subpixel/warp.hpp"

#include <algorithm>

#include "check.hpp"

namespace test {
namespace {

using namespace subpixel;
using Bytes = std::vector<std::uint8_t>;

// The bytes of `count` samples; with `wild` some floats are NaN.
Bytes samples(Sample kind, std::size_t count, Random& random, bool wild) {
  Bytes result(count * bytes_of(kind));
  if (kind != Sample::f32) {
    fill(result, random);
    return result;
  }
  std::vector<float> real_number(count);
  fill(real_number, random, wild);
  if (count > 0) std::memcpy(result.data(), real_number.data(), result.size());
  return result;
}

// NaN has many representations, which depend on the processor.
void map_outside(Bytes& y, Sample kind) {
  if (kind != Sample::f32) return;
  for (std::size_t k = 0; k + 4 <= y.size(); k += 4) {
    float f;
    std::memcpy(&f, y.data() + k, 4);
    if (f != f) std::fill_n(y.data() + k, 4, std::uint8_t{0xff});
  }
}

std::string text(const Warp& w) {
  return std::to_string(w.channels) + " channels " + std::to_string(w.height) + "x" + std::to_string(w.width) + " to " +
         std::to_string(w.rows) + "x" + std::to_string(w.columns) + " kind " +
         std::to_string(static_cast<int>(w.sample)) + " sampling " + std::to_string(static_cast<int>(w.sampling)) +
         " outside " + std::to_string(static_cast<int>(w.outside)) + (w.flow ? " flow" : "") +
         (w.channels_last ? " last" : "");
}

void compare(Warp w, int count, Random& random) {
  const bool wild = random.integer(0, 3) == 0;
  const Bytes x = samples(w.sample, std::size_t(count) * w.channels * w.height * w.width, random, wild);
  std::vector<float> positions(std::size_t(count) * 2 * w.rows * w.columns);
  fill(positions, random, wild);
  const float far = w.flow ? 2.0f * static_cast<float>(w.width) : 3.0f;
  for (float& p : positions) p = (p - 0.5f) * far;
  const auto run = [&](int threads, const std::string& target) {
    Bytes y(std::size_t(count) * w.channels * w.rows * w.columns * bytes_of(w.sample));
    w.x = x.data();
    w.positions = positions.data();
    w.y = y.data();
    warp(w, count, threads, target);
    map_outside(y, w.sample);
    return y;
  };
  const Bytes expected = run(1, "scalar");
  for (const std::string& target : all_targets())
    for (int threads : {1, 2, 5}) CHECK(same_bytes(run(threads, target), expected), target + " " + text(w));
  if (!w.flow || wild || w.rows > w.height || w.columns > w.width) return;
  std::fill(positions.begin(), positions.end(), 0.0f);
  const Bytes still = run(2, all_targets().back());
  for (std::size_t c = 0; c < std::size_t(count) * w.channels; ++c)
    for (int i = 0; i < w.rows; ++i)
      for (int j = 0; j < w.columns; ++j)
        for (int b = 0; b < bytes_of(w.sample); ++b) {
          const std::size_t n = c / w.channels, k = c % w.channels;
          const auto at = [&](int height, int width) {
            const std::size_t pixel = w.channels_last ? ((n * height + i) * width + j) * w.channels + k
                                                      : (c * height + i) * width + j;
            return pixel * bytes_of(w.sample) + b;
          };
          if (still[at(w.rows, w.columns)] == x[at(w.height, w.width)]) continue;
          return CHECK(false, "no flow, another image: " + text(w));
        }
}

void any_image(Sample sample, Sampling sampling, Outside outside, Random& random) {
  const int sides[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 40, 127, 128, 129, 131};
  const auto side = [&] { return sides[random.integer(0, random.integer(0, 3) ? 9 : 14)]; };
  const int channels = random.integer(1, 5);
  compare({nullptr, channels, side(), side(), nullptr, nullptr, side(), side(), sample,
           channels > 1 && random.integer(0, 1), random.integer(0, 1) == 1, random.integer(0, 1) == 1,
           random.integer(0, 1) == 1, sampling, outside, random.integer(0, 1) ? -0.75 : -0.5},
          random.integer(1, 2), random);
}

void images(Random& random) {
  for (Sample sample : {Sample::u8, Sample::u16, Sample::f32})
    for (Sampling sampling : {Sampling::nearest, Sampling::bilinear, Sampling::bicubic})
      for (Outside outside : {Outside::zeros, Outside::border, Outside::reflection})
        for (int round = 0; round < (kSlow ? 8 : 40); ++round) any_image(sample, sampling, outside, random);
}

void any_volume(Sampling sampling, Outside outside, Random& random) {
  const bool centres = random.integer(0, 2) == 0;
  const int count = random.integer(1, 2), channels = random.integer(1, 3);
  const int depth = random.integer(1, 5), height = random.integer(1, 9), width = random.integer(1, 20);
  const int slices = random.integer(1, 3), rows = random.integer(1, 5), columns = random.integer(1, 140);
  std::vector<float> x(std::size_t(count) * channels * depth * height * width);
  std::vector<float> positions(std::size_t(count) * slices * rows * columns * 3);
  fill(x, random);
  fill(positions, random, random.integer(0, 1) == 1);
  for (float& p : positions) p = (p - 0.5f) * 3.0f;
  const auto run = [&](int threads, const std::string& target) {
    std::vector<float> y(std::size_t(count) * channels * slices * rows * columns);
    warp_volumes({x.data(), channels, depth, height, width, positions.data(), y.data(), slices, rows, columns,
                  centres, sampling, outside}, count, threads, target);
    return y;
  };
  const std::vector<float> expected = run(1, "scalar");
  for (const std::string& target : all_targets())
    for (int threads : {1, 5}) CHECK(same_bytes(run(threads, target), expected), target + " volumes");
}

void any_grid(Random& random) {
  const int dims = random.integer(2, 3), count = random.integer(1, 3);
  std::vector<float> theta(std::size_t(count) * dims * (dims + 1)), at[3];
  fill(theta, random);
  AffineGrid grid{theta.data(), dims, {}, {}, nullptr};
  std::size_t positions = static_cast<std::size_t>(count);
  for (int k = 0; k < dims; ++k) {
    grid.sides[k] = random.integer(1, k + 1 == dims ? 70 : 9);
    positions *= static_cast<std::size_t>(grid.sides[k]);
    at[k].resize(static_cast<std::size_t>(grid.sides[k]));
    fill(at[k], random);
    grid.at[k] = at[k].data();
  }
  const auto run = [&](int threads, const std::string& target) {
    std::vector<float> y(positions * dims);
    grid.to = y.data();
    affine_grid(grid, count, threads, target);
    return y;
  };
  const std::vector<float> expected = run(1, "scalar");
  for (const std::string& target : all_targets())
    for (int threads : {1, 5}) CHECK(same_bytes(run(threads, target), expected), target + " affine_grid");
}

}  // namespace

void one_warp(Random& random) {
  const auto sampling = static_cast<Sampling>(random.integer(0, 2));
  const auto outside = static_cast<Outside>(random.integer(0, 2));
  const int kind = random.integer(0, 5);
  if (kind == 0) any_grid(random);
  else if (kind == 1 && sampling != Sampling::bicubic) any_volume(sampling, outside, random);
  else any_image(static_cast<Sample>(random.integer(0, 2)), sampling, outside, random);
}

void warps() {
  Random random(41);
  images(random);
  for (Sampling sampling : {Sampling::nearest, Sampling::bilinear})
    for (Outside outside : {Outside::zeros, Outside::border, Outside::reflection})
      for (int round = 0; round < 20; ++round) any_volume(sampling, outside, random);
  for (int round = 0; round < 60; ++round) any_grid(random);
}

}  // namespace test
