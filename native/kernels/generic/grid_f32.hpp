// A line of an affine map's grid: part of warp_f32.hpp, which says how it is built.
#pragma once

#include "axis_f32.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

// As many vectors at a time as there are numbers in a place: then each number keeps its lanes.
template <int dims>
void grid_line(const GridLine& g) {
  float begin[dims], slope[dims];
  for (int d = 0; d < dims; ++d) {
    const float* theta = g.theta + d * (dims + 1);
    // The constant first, then the outermost axis: the order of the plain version.
    begin[d] = theta[dims];
    for (int k = dims - 1; k > 0; --k) begin[d] += theta[k] * g.outer[dims - 1 - k];
    slope[d] = theta[0];
  }
  Vec start[dims], step[dims];
  Ints column[dims];
  for (int v = 0; v < dims; ++v)
    for (int j = 0; j < kLanes; ++j) {
      start[v][j] = begin[(v * kLanes + j) % dims];
      step[v][j] = slope[(v * kLanes + j) % dims];
      column[v][j] = (v * kLanes + j) / dims;
    }
  float* to = g.to;
  int i = 0;
  for (; i + kLanes <= g.columns; i += kLanes) {
    const Vec at = load<Vec>(g.at + i);
    for (int v = 0; v < dims; ++v, to += kLanes) store(to, start[v] + step[v] * __builtin_shuffle(at, column[v]));
  }
  for (; i < g.columns; ++i)
    for (int d = 0; d < dims; ++d) *to++ = begin[d] + slope[d] * g.at[i];
}

void grid_line(const GridLine& g) { return g.dims == 2 ? grid_line<2>(g) : grid_line<3>(g); }

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
