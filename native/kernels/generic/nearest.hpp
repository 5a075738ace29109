// Nearest sampling: copies samples. Part of warp_f32.hpp, which says how it is built.
#pragma once

#include "sample_positions.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// Copies pixels of `bytes` bytes (0: of `size`) from their offsets in a plane; zeros if there is none.
template <int bytes>
void copy_pixels(const char* from, char* to, const int* offset, int count, std::ptrdiff_t size, bool all) {
  if (bytes > 0) size = bytes;
  if (all) {
    for (int i = 0; i < count; ++i) __builtin_memcpy(to + i * size, from + offset[i] * size, size);
    return;
  }
  for (int i = 0; i < count; ++i) {
    if (offset[i] < 0)
      __builtin_memset(to + i * size, 0, size);
    else
      __builtin_memcpy(to + i * size, from + offset[i] * size, size);
  }
}

void copy_pixels(const char* from, char* to, const int* offset, int count, std::ptrdiff_t size, bool all) {
  switch (size) {
    case 1: return copy_pixels<1>(from, to, offset, count, size, all);
    case 2: return copy_pixels<2>(from, to, offset, count, size, all);
    case 3: return copy_pixels<3>(from, to, offset, count, size, all);
    case 4: return copy_pixels<4>(from, to, offset, count, size, all);
    case 6: return copy_pixels<6>(from, to, offset, count, size, all);
    case 8: return copy_pixels<8>(from, to, offset, count, size, all);
    case 12: return copy_pixels<12>(from, to, offset, count, size, all);
    case 16: return copy_pixels<16>(from, to, offset, count, size, all);
    default: return copy_pixels<0>(from, to, offset, count, size, all);
  }
}

template <Outside outside>
void nearest(const Warp& w, const Axis& ax, const Axis& ay, int row, int first) {
  Positions at;
  find_positions<outside, false>(w, ax, ay, row, first, at);
  int offset[kBlock];
  Ints edge = fill(0);
  for (int i = 0; i < at.padded; i += kLanes) {
    const Ints x = nearest_to(load<Vec>(at.x + i)), y = nearest_to(load<Vec>(at.y + i));
    const Ints none = beyond(x, w.width) | beyond(y, w.height);
    store(offset + i, (y * w.width + x) | none);
    edge |= none;
  }
  const bool all = none(edge);
  const Planes planes(w);
  const char* from = static_cast<const char*>(w.x);
  char* to = static_cast<char*>(w.y) + (std::ptrdiff_t{row} * w.columns + first) * planes.pixel;
  for (int c = 0; c < planes.count; ++c, from += planes.in, to += planes.out)
    copy_pixels(from, to, offset, at.count, planes.pixel, all);
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
