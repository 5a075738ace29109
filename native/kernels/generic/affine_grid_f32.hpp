// One line of an affine grid. Part of warp_f32.hpp, which says how it is built.
#pragma once

#include <utility>

#include "axis_f32.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// Vector v of the result of repeating each lane `dims` times.
template <int dims, int v, int... lane>
inline Vec repeat_lanes(Vec at, std::integer_sequence<int, lane...>) {
  return __builtin_shufflevector(at, at, ((v * kLanes + lane) / dims)...);
}

template <int dims, int... v>
inline void store_positions(float* to, Vec at, const Vec* start, const Vec* step, std::integer_sequence<int, v...>) {
  using Lanes = std::make_integer_sequence<int, kLanes>;
  (store(to + v * kLanes, start[v] + step[v] * repeat_lanes<dims, v>(at, Lanes{})), ...);
}

// As many vectors at a time as a position has numbers: then each number keeps its lanes.
template <int dims>
void grid_line(const GridLine& g) {
  float begin[dims], slope[dims];
  for (int d = 0; d < dims; ++d) {
    const float* theta = g.theta + d * (dims + 1);
    // The constant first, then the outermost axis: the order of the NumPy version.
    begin[d] = theta[dims];
    for (int k = dims - 1; k > 0; --k) begin[d] += theta[k] * g.outer[dims - 1 - k];
    slope[d] = theta[0];
  }
  Vec start[dims], step[dims];
  for (int v = 0; v < dims; ++v)
    for (int j = 0; j < kLanes; ++j) {
      start[v][j] = begin[(v * kLanes + j) % dims];
      step[v][j] = slope[(v * kLanes + j) % dims];
    }
  float* to = g.to;
  int i = 0;
  for (; i + kLanes <= g.columns; i += kLanes, to += dims * kLanes)
    store_positions<dims>(to, load<Vec>(g.at + i), start, step, std::make_integer_sequence<int, dims>{});
  for (; i < g.columns; ++i)
    for (int d = 0; d < dims; ++d) *to++ = begin[d] + slope[d] * g.at[i];
}

void grid_line(const GridLine& g) { return g.dims == 2 ? grid_line<2>(g) : grid_line<3>(g); }

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
