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

}  // namespace

void unpoolings() {
  Random random(31);
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
