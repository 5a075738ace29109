// Max unpooling.
#include "subpixel/pool.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>

#include "subpixel/parallel.hpp"

namespace subpixel {
namespace {

using std::ptrdiff_t;

// Fills a part of one plane of y, from item `begin` to `end`. All values are visited in order, so that the last value
// for a position wins whichever thread writes the neighbouring parts.
template <class Item, class Index>
bool fill_part(const Unpool& u, ptrdiff_t plane, ptrdiff_t begin, ptrdiff_t end) {
  const Item* values = static_cast<const Item*>(u.values) + plane * u.count;
  const Index* positions = static_cast<const Index*>(u.positions) + plane * u.count;
  Item* y = static_cast<Item*>(u.y) + plane * u.size;
  if (!u.zeroed) std::memset(y + begin, 0, static_cast<std::size_t>(end - begin) * sizeof(Item));
  const std::uint64_t start = u.across ? static_cast<std::uint64_t>(plane * u.size) : 0;
  const std::uint64_t size = static_cast<std::uint64_t>(u.size), first = static_cast<std::uint64_t>(begin);
  const bool whole = begin == 0 && end == u.size;
  for (ptrdiff_t k = 0; k < u.count; ++k) {
    // A position before the plane's start wraps around to a huge number.
    const std::uint64_t at = static_cast<std::uint64_t>(std::int64_t{positions[k]}) - start;
    if (at >= size) return false;
    if (whole || at - first < static_cast<std::uint64_t>(end - begin)) y[at] = values[k];
  }
  return true;
}

template <class Item>
bool fill_items(const Unpool& u, ptrdiff_t plane, ptrdiff_t begin, ptrdiff_t end) {
  return u.index == 4 ? fill_part<Item, std::int32_t>(u, plane, begin, end)
                      : fill_part<Item, std::int64_t>(u, plane, begin, end);
}

bool fill(const Unpool& u, ptrdiff_t plane, ptrdiff_t begin, ptrdiff_t end) {
  switch (u.item) {
    case 1: return fill_items<std::uint8_t>(u, plane, begin, end);
    case 2: return fill_items<std::uint16_t>(u, plane, begin, end);
    case 4: return fill_items<std::uint32_t>(u, plane, begin, end);
    default: return fill_items<std::uint64_t>(u, plane, begin, end);
  }
}

}  // namespace

bool unpool(const Unpool& u, int threads) {
  // If there are fewer planes than threads, planes are split; each part then reads all positions of its plane.
  const ptrdiff_t parts = u.planes < 1 || u.planes >= threads ? 1 : (threads + u.planes - 1) / u.planes;
  std::atomic<bool> inside{true};
  parallel(u.planes * parts, threads, [&](const auto& next) {
    for (ptrdiff_t k = next(); k < u.planes * parts && inside; k = next()) {
      const ptrdiff_t part = k % parts;
      if (!fill(u, k / parts, u.size * part / parts, u.size * (part + 1) / parts)) inside = false;
    }
  });
  return inside;
}

}  // namespace subpixel
