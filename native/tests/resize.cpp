// Tests resizing: every pair of kinds that has a kernel; rows, columns and both. All targets give the scalar one's
// bytes, which are those of plain sums.
#include "subpixel/resize.hpp"

#include <algorithm>

#include "check.hpp"

namespace test {
namespace {

using namespace subpixel;
using Bytes = std::vector<std::uint8_t>;

constexpr Kind kKinds[] = {Kind::u8, Kind::u16, Kind::i16, Kind::i32, Kind::f32, Kind::f64};

// An axis together with its tables.
struct Axis {
  ResizeAxis axis;
  int taps;
  std::vector<int> index, integer;
  std::vector<float> f32;
  std::vector<double> f64;
};

constexpr int kShift = 8;

Axis random_axis(int n_in, int n_out, int taps, Kind sums, bool wide, Random& random) {
  std::vector<int> index;
  for (int k = 0; k < n_out; ++k) {
    // Neighbours often have the same taps, as in every upsampling.
    const int first = n_out < 2 ? 0 : static_cast<int>(std::int64_t{k} * (n_in - 1) / (n_out - 1));
    for (int t = 0; t < taps; ++t) index.push_back(std::clamp(first + t - taps / 2, 0, n_in - 1));
  }
  Axis result{ResizeAxis(n_in, n_out, taps, index.data()), taps, index, {}, {}, {}};
  for (std::size_t k = 0; k < index.size(); ++k) {
    result.f32.push_back(random.real_number(-0.5f, 1.0f) / static_cast<float>(taps));
    result.f64.push_back(result.f32.back() * 1.0000000123);
    // Two taps may use 16-bit sums, which support bilinear weights only: none is negative.
    result.integer.push_back(random.value(taps == 2 ? 0 : -60, 256) / taps);
    if (wide) result.integer.back() *= 1 << 12;
  }
  if (sums == Kind::f32) result.axis.set_weights(result.f32.data());
  else if (sums == Kind::f64) result.axis.set_weights(result.f64.data());
  else result.axis.set_weights(result.integer.data());
  return result;
}

Bytes random_samples(Kind kind, std::size_t count, Random& random) {
  Bytes result(count * size_of(kind));
  fill(result, random);
  for (std::size_t k = 0; k < count; ++k) {
    std::uint8_t* at = result.data() + k * size_of(kind);
    const double d = random.real_number(-300.0f, 70000.0f);
    const float f = static_cast<float>(d);
    // Intermediate fixed-point values are no larger than a first pass makes them.
    const std::int16_t s = static_cast<std::int16_t>(random.value(0, 255) * 128);
    const std::int32_t i = random.value(-(1 << 16), 1 << 16);
    if (kind == Kind::f64) std::memcpy(at, &d, 8);
    if (kind == Kind::f32) std::memcpy(at, &f, 4);
    if (kind == Kind::i16) std::memcpy(at, &s, 2);
    if (kind == Kind::i32) std::memcpy(at, &i, 4);
  }
  return result;
}

template <class T>
T sample(const Bytes& x, std::size_t k) {
  T v;
  std::memcpy(&v, x.data() + k * sizeof(T), sizeof(T));
  return v;
}

// Resizes rows of x (height, count) by plain sums, if the kinds are the same before and after.
template <class T, class Sum>
Bytes reference(const Axis& a, const std::vector<Sum>& weight, const Bytes& x, std::size_t count, int shift) {
  Bytes y(static_cast<std::size_t>(a.axis.n_out()) * count * sizeof(T));
  for (std::size_t k = 0; k < static_cast<std::size_t>(a.axis.n_out()); ++k)
    for (std::size_t j = 0; j < count; ++j) {
      Sum sum = shift > 0 ? static_cast<Sum>(1 << (shift - 1)) : Sum{0};
      for (int t = 0; t < a.taps; ++t) {
        const Sum product =
            weight[k * a.taps + t] * static_cast<Sum>(sample<T>(x, a.index[k * a.taps + t] * count + j));
        sum = t == 0 && shift == 0 ? product : sum + product;
      }
      if (shift > 0) sum = static_cast<Sum>(std::clamp(static_cast<int>(sum) >> shift, 0, 255));
      const T result = static_cast<T>(sum);
      std::memcpy(y.data() + (k * count + j) * sizeof(T), &result, sizeof(T));
    }
  return y;
}

struct KindPath {
  Kind from, between, to;
};

Kind sums_of(int k) { return k == 0 ? Kind::f32 : k == 1 ? Kind::f64 : Kind::i32; }

int taps_for(Kind from, Random& random) { return from == Kind::i16 ? 2 : random.integer(1, 7); }

void one_axis(Kind from, Kind to, Kind sums, bool down, bool wide, Random& random) {
  const int n_in = random.integer(1, 40), n_out = random.integer(1, 90);
  const Axis a = random_axis(n_in, n_out, taps_for(from, random), sums, wide, random);
  const ResizePass pass{&a.axis, from, to, {to == Kind::u8 ? 255.0 : 65535.0, random.integer(0, 1) == 1, 0, kShift}};
  if (!can_resize(pass)) return;
  const ResizeShape shape{random.integer(1, 2), down ? n_in : random.integer(1, 40),
                          down ? random.integer(1, 90) : n_in, random.integer(0, 9) ? random.integer(1, 5) : 40};
  const std::size_t other = static_cast<std::size_t>(down ? shape.width : shape.height) * shape.channels * shape.outer;
  const Bytes x = random_samples(from, other * n_in, random);
  const auto run = [&](int threads, const std::string& target) {
    Bytes y(other * n_out * size_of(to));
    resize(shape, down ? &pass : nullptr, down ? nullptr : &pass, down, x.data(), y.data(), threads, target);
    return y;
  };
  const Bytes expected = run(1, "scalar");
  const std::string text = std::to_string(static_cast<int>(from)) + " to " + std::to_string(static_cast<int>(to)) +
                           (down ? " down " : " across ") + std::to_string(n_in) + " to " + std::to_string(n_out);
  for (const std::string& target : all_targets())
    for (int threads : {1, 5}) CHECK(same_bytes(run(threads, target), expected), target + " " + text);
  if (!down || shape.outer != 1 || from != to) return;
  if (from == Kind::f32 && sums == from) CHECK(same_bytes(reference<float>(a, a.f32, x, other, 0), expected), text);
  if (from == Kind::f64) CHECK(same_bytes(reference<double>(a, a.f64, x, other, 0), expected), text);
  if (from == Kind::u8 && sums == Kind::i32 && !wide)
    CHECK(same_bytes(reference<std::uint8_t>(a, a.integer, x, other, kShift), expected), text);
}

void both_axes(const KindPath& p, Kind first_sums, Kind last_sums, Random& random) {
  const ResizeShape shape{random.integer(1, 2), random.integer(1, 70), random.integer(1, 60), random.integer(1, 4)};
  const bool rows_first = random.integer(0, 1);
  const int height = random.integer(1, 90), width = random.integer(1, 130);
  const Axis rows = random_axis(shape.height, height, taps_for(rows_first ? p.from : p.between, random),
                                rows_first ? first_sums : last_sums, false, random);
  const Axis columns = random_axis(shape.width, width, taps_for(rows_first ? p.between : p.from, random),
                                   rows_first ? last_sums : first_sums, false, random);
  const double high = p.to == Kind::u8 ? 255.0 : 65535.0;
  const ResizePass first{rows_first ? &rows.axis : &columns.axis, p.from, p.between, {high, true, 0, kShift}};
  const ResizePass last{rows_first ? &columns.axis : &rows.axis, p.between, p.to, {high, true, 0, kShift}};
  if (!can_resize(first) || !can_resize(last)) return;
  const std::size_t planes = static_cast<std::size_t>(shape.outer) * shape.channels;
  const Bytes x = random_samples(p.from, planes * shape.height * shape.width, random);
  const auto run = [&](int threads, const std::string& target) {
    Bytes y(planes * height * width * size_of(p.to));
    resize(shape, rows_first ? &first : &last, rows_first ? &last : &first, rows_first, x.data(), y.data(), threads,
           target);
    return y;
  };
  const Bytes expected = run(1, "scalar");
  for (const std::string& target : all_targets())
    for (int threads : {1, 2, 5})
      CHECK(same_bytes(run(threads, target), expected),
            target + " by kinds " + std::to_string(static_cast<int>(p.from)) + ", " +
                std::to_string(static_cast<int>(p.between)) + ", " + std::to_string(static_cast<int>(p.to)));
}

constexpr KindPath kFixed[] = {
    {Kind::u8, Kind::u8, Kind::u8}, {Kind::u8, Kind::i32, Kind::u8}, {Kind::u8, Kind::i16, Kind::u8}};
constexpr KindPath kReal[] = {{Kind::u8, Kind::f64, Kind::u8},
    {Kind::u16, Kind::f64, Kind::u16},
    {Kind::f32, Kind::f64, Kind::f32},
    {Kind::f64, Kind::f64, Kind::f64},
    {Kind::f32, Kind::f32, Kind::f32},
    {Kind::u8, Kind::f32, Kind::u8},
    {Kind::u16, Kind::f32, Kind::u16}};

void nearest(Random& random) {
  const ResizeShape shape{random.integer(1, 2), random.integer(1, 20), random.integer(1, 20), random.integer(1, 3)};
  const int item = 1 << random.integer(0, 3);
  const Axis rows = random_axis(shape.height, random.integer(1, 40), 1, Kind::f32, false, random);
  const Axis columns = random_axis(shape.width, random.integer(1, 40), 1, Kind::f32, false, random);
  const std::size_t pixel = static_cast<std::size_t>(shape.channels) * item;
  const std::size_t height = rows.index.size(), width = columns.index.size();
  Bytes x(shape.outer * shape.height * shape.width * pixel), expected;
  fill(x, random);
  for (std::size_t n = 0; n < std::size_t(shape.outer); ++n)
    for (int i : rows.index)
      for (int j : columns.index) {
        const auto from = x.begin() + static_cast<std::ptrdiff_t>(((n * shape.height + i) * shape.width + j) * pixel);
        expected.insert(expected.end(), from, from + static_cast<std::ptrdiff_t>(pixel));
      }
  for (int threads : {1, 5}) {
    Bytes y(shape.outer * height * width * pixel);
    resize_nearest(shape, item, &rows.axis, &columns.axis, x.data(), y.data(), threads);
    CHECK(same_bytes(y, expected), "nearest, items of " + std::to_string(item));
  }
}

// The products of wide weights do not fit 16 bits.
bool may_be_wide(Kind from, Kind to, int sums) { return sums == 2 && to != Kind::i16 && from == Kind::u8; }

}  // namespace

void one_resize(Random& random) {
  const int kind = random.integer(0, 3);
  if (kind == 0) return nearest(random);
  if (kind == 1) return both_axes(kFixed[random.integer(0, 2)], Kind::i32, Kind::i32, random);
  if (kind == 2) {
    const KindPath& p = kReal[random.integer(0, 6)];
    return both_axes(p, p.between, p.between, random);
  }
  const Kind from = kKinds[random.integer(0, 5)], to = kKinds[random.integer(0, 5)];
  const int sums = random.integer(0, 2);
  const bool wide = may_be_wide(from, to, sums) && random.integer(0, 1);
  one_axis(from, to, sums_of(sums), random.integer(0, 1), wide, random);
}

void resizes() {
  Random random(61);
  for (int round = 0; round < (kSlow ? 4 : 20); ++round)
    for (int sums = 0; sums < 3; ++sums)
      for (Kind from : kKinds)
        for (Kind to : kKinds) {
          const bool wide = may_be_wide(from, to, sums) && random.integer(0, 1);
          for (bool down : {true, false}) one_axis(from, to, sums_of(sums), down, wide, random);
        }
  for (int round = 0; round < (kSlow ? 8 : 40); ++round) {
    for (const KindPath& p : kFixed) both_axes(p, Kind::i32, Kind::i32, random);
    for (const KindPath& p : kReal)
      both_axes(p, p.between, p.between, random);
  }
  for (int round = 0; round < 60; ++round) nearest(random);
}

}  // namespace test
