// Volumes: nearest and trilinear sampling. Part of warp_f32.hpp, which says how it is built.
#pragma once

#include "planes_f32.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

struct VolumePositions {
  float at[3][kBlock];  // x, y, z
  int count, padded;
};

template <Outside outside>
void find_positions(const WarpVolume& w, const Axis* axes, std::ptrdiff_t start, int columns, VolumePositions& p) {
  p.count = columns < kBlock ? columns : kBlock;
  p.padded = (p.count + kLanes - 1) / kLanes * kLanes;
  const float* from = w.positions + 3 * start;
  for (int i = 0; i < p.padded; ++i)
    for (int k = 0; k < 3; ++k) p.at[k][i] = from[3 * (i < p.count ? i : p.count - 1) + k];
  for (int k = 0; k < 3; ++k)
    for (int i = 0; i < p.padded; i += kLanes)
      store(p.at[k] + i, map_outside<outside, false>(from_grid(load<Vec>(p.at[k] + i), axes[k]), axes[k]));
}

// The offset of a sample. Far outside it may wrap around; then nobody uses it.
inline Ints offset_of(Ints x, Ints y, Ints z, const WarpVolume& w) {
  const Word height = static_cast<Word>(w.height), width = static_cast<Word>(w.width);
  return (Ints)(((Words)z * height + (Words)y) * width + (Words)x);
}

void nearest_of(const WarpVolume& w, const VolumePositions& p, std::ptrdiff_t start) {
  const std::ptrdiff_t plane = std::ptrdiff_t{w.depth} * w.height * w.width;
  const std::ptrdiff_t out = std::ptrdiff_t{w.slices} * w.rows * w.columns;
  int offset[kBlock];
  for (int i = 0; i < p.padded; i += kLanes) {
    const Ints x = nearest_to(load<Vec>(p.at[0] + i)), y = nearest_to(load<Vec>(p.at[1] + i));
    const Ints z = nearest_to(load<Vec>(p.at[2] + i));
    store(offset + i, offset_of(x, y, z, w) | beyond(x, w.width) | beyond(y, w.height) | beyond(z, w.depth));
  }
  for (int c = 0; c < w.channels; ++c)
    for (int i = 0; i < p.count; ++i) w.y[c * out + start + i] = sample_at(w.x + c * plane, offset[i]);
}

// The eight samples around each position, x fastest, then z, and the weights in the order in which pairs are loaded.
struct Cells {
  float near_z[2 * kBlock], far_z[2 * kBlock], near_y[2 * kBlock], far_y[2 * kBlock], across[2 * kBlock];
  int offset[8][kBlock];  // -1 if outside
  int edge[kBlock];
};

void find_cells(const WarpVolume& w, const VolumePositions& p, Cells& k) {
  for (int i = 0; i < p.padded; i += kLanes) {
    Ints index[3];
    Vec part[3];
    for (int d = 0; d < 3; ++d) {
      const Vec position = load<Vec>(p.at[d] + i), below = floor_of(position);
      index[d] = to_int(below);
      part[d] = position - below;
    }
    const int sides[3] = {w.width, w.height, w.depth};
    Ints none[3][2], edge = fill(0);
    for (int d = 0; d < 3; ++d)
      for (int s = 0; s < 2; ++s) edge |= none[d][s] = beyond(index[d] + s, sides[d]);
    for (int c = 0; c < 8; ++c) {
      const int x = c % 2, z = c / 2 % 2, y = c / 4;
      store(k.offset[c] + i, offset_of(index[0] + x, index[1] + y, index[2] + z, w) | none[0][x] | none[1][y] |
                                 none[2][z]);
    }
    store(k.edge + i, edge);
    for (int j = 0; j < 2 * kLanes; ++j) {
      const float x = part[0][j / 2], y = part[1][j / 2], z = part[2][j / 2];
      k.near_z[2 * i + j] = 1.0f - z, k.far_z[2 * i + j] = z;
      k.near_y[2 * i + j] = 1.0f - y, k.far_y[2 * i + j] = y;
      k.across[2 * i + j] = j % 2 ? x : 1.0f - x;
    }
  }
}

inline Quad trilinear_quad(const float* volume, const Cells& k, int i, bool inside) {
  Quad sum[2];
  for (int h = 0; h < 2; ++h) {
    const int j = i + 2 * h;
    Quad pair[4];
    for (int c = 0; c < 4; ++c)
      pair[c] = inside ? load_pairs(volume + k.offset[2 * c][j], volume + k.offset[2 * c][j + 1])
                       : edge_pairs(volume, k.offset[2 * c] + j, k.offset[2 * c + 1] + j);
    const Quad near_z = load<Quad>(k.near_z + 2 * j), far_z = load<Quad>(k.far_z + 2 * j);
    const Quad near_y = (pair[0] * near_z + pair[1] * far_z) * load<Quad>(k.near_y + 2 * j);
    const Quad far_y = (pair[2] * near_z + pair[3] * far_z) * load<Quad>(k.far_y + 2 * j);
    sum[h] = (near_y + far_y) * load<Quad>(k.across + 2 * j);
  }
  return add_neighbours(sum[0], sum[1]);
}

void trilinear_of(const WarpVolume& w, const VolumePositions& p, std::ptrdiff_t start) {
  const std::ptrdiff_t plane = std::ptrdiff_t{w.depth} * w.height * w.width;
  const std::ptrdiff_t out = std::ptrdiff_t{w.slices} * w.rows * w.columns;
  Cells k;
  find_cells(w, p, k);
  for (int c = 0; c < w.channels; ++c) {
    const float* from = w.x + c * plane;
    write(w.y + c * out + start, p.count,
          [&](int i) { return trilinear_quad(from, k, i, none(load<IntQuad>(k.edge + i))); });
  }
}

template <Outside outside>
void sample(const WarpVolume& w, const Axis* axes, std::ptrdiff_t start, int columns) {
  VolumePositions p;
  find_positions<outside>(w, axes, start, columns, p);
  return w.sampling == Sampling::nearest ? nearest_of(w, p, start) : trilinear_of(w, p, start);
}

void volume_block(const WarpVolume& w, int slice, int row, int column) {
  const Axis axes[3] = {{w.width, w.align_corners}, {w.height, w.align_corners}, {w.depth, w.align_corners}};
  const std::ptrdiff_t start = (std::ptrdiff_t{slice} * w.rows + row) * w.columns + column;
  switch (w.outside) {
    case Outside::zeros: return sample<Outside::zeros>(w, axes, start, w.columns - column);
    case Outside::border: return sample<Outside::border>(w, axes, start, w.columns - column);
    case Outside::reflection: return sample<Outside::reflection>(w, axes, start, w.columns - column);
  }
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
