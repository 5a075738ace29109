// Tests pixel shuffle and its inverse against one loop over the elements.
#include <algorithm>

#include "check.hpp"
#include "subpixel/permute.hpp"

namespace test {
namespace {

using subpixel::Shuffle;
using Bytes = std::vector<std::uint8_t>;

Bytes reference(const Shuffle& s, const Bytes& x) {
  Bytes y(x.size());
  const std::size_t cell = static_cast<std::size_t>(s.rh) * s.rw, H = s.h * s.rh, W = s.w * s.rw;
  for (std::size_t n = 0; n < std::size_t(s.n); ++n)
    for (std::size_t c = 0; c < std::size_t(s.c); ++c)
      for (std::size_t i = 0; i < H; ++i)
        for (std::size_t j = 0; j < W; ++j) {
          const std::size_t phase = i % s.rh * s.rw + j % s.rw;
          const std::size_t channel = s.crd ? c * cell + phase : phase * s.c + c;
          const std::size_t small = s.channels_last
                                        ? ((n * s.h + i / s.rh) * s.w + j / s.rw) * s.c * cell + channel
                                        : ((n * s.c * cell + channel) * s.h + i / s.rh) * s.w + j / s.rw;
          const std::size_t large = s.channels_last ? ((n * H + i) * W + j) * s.c + c : ((n * s.c + c) * H + i) * W + j;
          const std::size_t from = s.inverse ? large : small, to = s.inverse ? small : large;
          std::copy_n(x.data() + from * s.item, s.item, y.data() + to * s.item);
        }
  return y;
}

void compare(const Shuffle& s, Random& random) {
  Bytes x(static_cast<std::size_t>(s.n * s.c * s.h * s.w * s.rh * s.rw * s.item));
  fill(x, random);
  const Bytes expected = reference(s, x);
  for (const std::string& target : all_targets())
    for (int threads : {1, 2, 5}) {
      Bytes y(x.size());
      subpixel::shuffle(s, x.data(), y.data(), threads, target);
      CHECK(same_bytes(y, expected), target + " " + std::to_string(s.rh) + "x" + std::to_string(s.rw) + ", " +
                                         std::to_string(s.c) + " channels, " + std::to_string(s.item) + " bytes, " +
                                         std::to_string(s.h) + "x" + std::to_string(s.w));
    }
}

}  // namespace

void one_shuffle(Random& random) {
  const int rh = random.integer(1, 9), rw = random.integer(1, 18), item = 1 << random.integer(0, 3);
  const int channels = random.integer(1, 5), height = random.integer(0, 4), width = random.integer(0, 140);
  const bool last = random.integer(0, 1), crd = random.integer(0, 1), inverse = random.integer(0, 1);
  compare({random.integer(0, 2), channels, height, width, rh, rw, item, last, crd, inverse}, random);
}

void shuffles() {
  Random random(21);
  const int factors[][2] = {{1, 1}, {1, 2}, {2, 1}, {2, 2}, {3, 3}, {4, 4}, {2, 3}, {8, 8}, {5, 1}, {1, 17}};
  const int widths[] = {0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 129};
  for (const auto& r : factors)
    for (int item : {1, 2, 4, 8})
      for (bool last : {false, true})
        for (bool crd : {false, true})
          for (bool inverse : {false, true})
            for (int round = kSlow ? random.integer(7, 8) : 0; round < 8; ++round)
              compare({random.integer(1, 2), random.integer(1, 5), random.integer(1, 4), widths[random.integer(0, 16)],
                       r[0], r[1], item, last, crd, inverse},
                      random);
  // Large enough to be written past the caches.
  if (kSlow) return;
  compare({1, 3, 700, 1001, 2, 2, 4, false, true, false}, random);
  compare({1, 3, 700, 1001, 2, 2, 4, true, true, false}, random);
}

}  // namespace test
