// The inverse of max pooling.
#pragma once

#include <cstddef>

namespace subpixel {

// Writes `planes` planes of `count` values to planes of `size` items: each value to its position, zeros elsewhere. If
// several values have one position, the last wins. Positions count within their plane, or with `across` through all
// planes of y.
struct Unpool {
  const void* values;
  const void* positions;
  void* y;
  std::ptrdiff_t planes, count, size;
  int item, index;  // bytes of a value (1, 2, 4 or 8) and of a position (4 or 8)
  bool across;
  bool zeroed;  // y is all zeros already
};

// Returns false, with y undefined, if a position lies outside its own plane. Never writes outside y.
bool unpool(const Unpool& u, int threads);

// The windows of a pooling along one axis of a plane of `size` samples; `before`: the padding before it.
struct PoolAxis {
  std::ptrdiff_t count, size, kernel, stride, before;
};

// Positions as in Unpool: one for each window of each plane. The innermost axis is the last.
struct PoolPositions {
  const void* positions;
  std::ptrdiff_t planes;
  PoolAxis axes[3];
  int index;
  bool across;
};

// Whether every position is that of a sample in its own window.
bool in_windows(const PoolPositions& p, int threads);

}  // namespace subpixel
