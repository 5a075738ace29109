// Max unpooling.
#include "subpixel/pool.hpp"

#include <algorithm>
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

// The samples of one window inside the plane: the first one, and how many follow it along the axis (-1: none is inside).
struct Extent {
  ptrdiff_t first, more;
};

Extent extent(const PoolAxis& axis, ptrdiff_t window) {
  const ptrdiff_t start = window * axis.stride - axis.before;
  const ptrdiff_t first = std::max<ptrdiff_t>(0, start);
  return {first, std::min(axis.size, start + axis.kernel) - 1 - first};
}

// One row of windows in one plane.
template <class Index>
bool row_in_windows(const PoolPositions& p, ptrdiff_t plane, ptrdiff_t a, ptrdiff_t b) {
  const PoolAxis* axes = p.axes;
  const Extent deep = extent(axes[0], a), down = extent(axes[1], b);
  const ptrdiff_t row = axes[2].size, slice = axes[1].size * row;
  const ptrdiff_t start = (p.across ? plane * axes[0].size * slice : 0) + deep.first * slice + down.first * row;
  const Index* positions =
      static_cast<const Index*>(p.positions) + ((plane * axes[0].count + a) * axes[1].count + b) * axes[2].count;
  bool fits = true;
  for (ptrdiff_t c = 0; c < axes[2].count; ++c) {
    // The distance from the window's first sample consists of at most `more` steps along each axis. Windows are small,
    // so counting the steps takes less time than a division. Unsigned numbers wrap around instead of overflowing.
    const Extent along = extent(axes[2], c);
    ptrdiff_t rest = static_cast<ptrdiff_t>(static_cast<std::uint64_t>(std::int64_t{positions[c]}) -
                                            static_cast<std::uint64_t>(start + along.first));
    for (ptrdiff_t step = 0; rest > down.more * row + along.more && step < deep.more; ++step) rest -= slice;
    for (ptrdiff_t step = 0; rest > along.more && step < down.more; ++step) rest -= row;
    fits &= rest >= 0 && rest <= along.more && deep.more >= 0 && down.more >= 0;
  }
  return fits;
}

}  // namespace

bool in_windows(const PoolPositions& p, int threads) {
  std::atomic<bool> fits{true};
  const ptrdiff_t rows = p.axes[0].count * p.axes[1].count;
  parallel(p.planes * rows, threads, [&](const auto& next) {
    for (ptrdiff_t k = next(); k < p.planes * rows && fits; k = next()) {
      const ptrdiff_t plane = k / rows, a = k % rows / p.axes[1].count, b = k % p.axes[1].count;
      if (!(p.index == 4 ? row_in_windows<std::int32_t>(p, plane, a, b) : row_in_windows<std::int64_t>(p, plane, a, b)))
        fits = false;
    }
  });
  return fits;
}

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
