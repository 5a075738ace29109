// Tests max unpooling against one loop over the values.
#include <initializer_list>

#include "check.hpp"
#include "subpixel/pool.hpp"

namespace test {
namespace {

template <class Item, class Index>
void compare(std::ptrdiff_t planes, std::ptrdiff_t count, std::ptrdiff_t size, bool across, Random& random) {
  std::vector<Item> values(static_cast<std::size_t>(planes * count)), expected(static_cast<std::size_t>(planes * size));
  std::vector<Index> positions(values.size());
  for (std::ptrdiff_t k = 0; k < planes * count; ++k) {
    values[k] = static_cast<Item>(random.next());
    const Index within = static_cast<Index>(random.integer(0, static_cast<int>(size) - 1));
    positions[k] = within + static_cast<Index>(across ? k / count * size : 0);
    expected[k / count * size + within] = values[k];
  }
  for (int threads : {1, 2, 5})
    for (bool zeroed : {false, true}) {
      std::vector<Item> y(expected.size(), static_cast<Item>(zeroed ? 0 : 77));
      const auto unpool = [&] {
        return subpixel::unpool({values.data(), positions.data(), y.data(), planes, count, size, int{sizeof(Item)},
                                 int{sizeof(Index)}, across, zeroed}, threads);
      };
      CHECK(unpool() && same_bytes(y, expected), std::to_string(planes) + " planes of " + std::to_string(count));
      if (positions.empty()) continue;
      Index& some = positions[random.next() % positions.size()];
      const Index saved = some;
      for (Index outside : {Index{-1}, static_cast<Index>(planes * size), std::numeric_limits<Index>::min(),
                            std::numeric_limits<Index>::max()}) {
        some = outside;
        CHECK(!unpool(), "a position outside");
      }
      some = saved;
    }
}

// The coordinates of a position, compared with the window by definition.
template <class Index>
void compare_windows(Random& random) {
  subpixel::PoolPositions p{nullptr, random.integer(1, 3), {}, int{sizeof(Index)}, random.integer(0, 1) == 1};
  std::ptrdiff_t count = 1, size = 1;
  for (auto& axis : p.axes) {
    axis = {random.integer(1, 4), random.integer(1, 9), random.integer(1, 4), random.integer(1, 3),
            random.integer(0, 2)};
    count *= axis.count;
    size *= axis.size;
  }
  std::vector<Index> positions(static_cast<std::size_t>(p.planes * count));
  bool expected = true;
  for (std::ptrdiff_t k = 0; k < p.planes * count; ++k) {
    std::ptrdiff_t window = k % count, position = 0, plane = size;
    std::ptrdiff_t windows[3];
    for (int d = 2; d >= 0; --d) {
      windows[d] = window % p.axes[d].count;
      window /= p.axes[d].count;
    }
    for (int d = 0; d < 3; ++d) {
      const auto& axis = p.axes[d];
      const std::ptrdiff_t start = windows[d] * axis.stride - axis.before;
      // Mostly a sample of the window, if it has one; sometimes any sample.
      std::ptrdiff_t low = std::max<std::ptrdiff_t>(0, start), high = std::min(axis.size, start + axis.kernel) - 1;
      if (low > high || random.integer(0, 60) == 0) low = 0, high = axis.size - 1;
      const std::ptrdiff_t at = random.integer(static_cast<int>(low), static_cast<int>(high));
      expected &= at >= start && at < start + axis.kernel;
      plane /= axis.size;
      position += at * plane;
    }
    positions[k] = static_cast<Index>(position + (p.across ? k / count * size : 0));
  }
  p.positions = positions.data();
  for (int threads : {1, 3}) CHECK(subpixel::in_windows(p, threads) == expected, "windows of positions");
  Index& some = positions[random.next() % positions.size()];
  for (Index outside : {Index{-1}, static_cast<Index>(p.planes * size), std::numeric_limits<Index>::min(),
                        std::numeric_limits<Index>::max()}) {
    some = outside;
    CHECK(!subpixel::in_windows(p, 1), "a position outside");
  }
}

}  // namespace

void one_unpooling(Random& random) {
  const int planes = random.integer(0, 4), count = random.integer(0, 40), size = random.integer(1, 90);
  const bool across = random.integer(0, 1);
  switch (random.integer(0, 5)) {
    case 0: return compare_windows<std::int32_t>(random);
    case 1: return compare_windows<std::int64_t>(random);
    case 2: return compare<std::uint8_t, std::int32_t>(planes, count, size, across, random);
    case 3: return compare<std::uint16_t, std::int64_t>(planes, count, size, across, random);
    case 4: return compare<std::uint32_t, std::int64_t>(planes, count, size, across, random);
    default: return compare<std::uint64_t, std::int32_t>(planes, count, size, across, random);
  }
}

void unpoolings() {
  Random random(31);
  for (int round = 0; round < 400; ++round) {
    compare_windows<std::int32_t>(random);
    compare_windows<std::int64_t>(random);
  }
  for (int round = 0; round < 60; ++round) {
    const int planes = random.integer(0, 4), count = random.integer(0, 40), size = random.integer(1, 90);
    const bool across = round % 2 == 1;
    compare<std::uint8_t, std::int32_t>(planes, count, size, across, random);
    compare<std::uint16_t, std::int64_t>(planes, count, size, across, random);
    compare<std::uint32_t, std::int64_t>(planes, count, size, across, random);
    compare<std::uint64_t, std::int32_t>(planes, count, size, across, random);
  }
}

}  // namespace test
