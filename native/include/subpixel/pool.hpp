// The way back from max pooling.
#pragma once

#include <cstddef>

namespace subpixel {

// `planes` planes of `count` values each go to planes of `size` items, every value to its position, everything else
// zero; of several for one position the last stays. Positions count within their plane, or with `across` through all
// planes of y.
struct Unpool {
  const void* values;
  const void* positions;
  void* y;
  std::ptrdiff_t planes, count, size;
  int item, index;  // bytes of a value, 1, 2, 4 or 8, and of a position, 4 or 8
  bool across;
  bool zeroed;  // y is all zeros already
};

// False, with y undefined, where a position lies outside of its own plane. Nothing is ever written outside of y.
bool unpool(const Unpool& u, int threads);

}  // namespace subpixel
