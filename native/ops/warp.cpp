// Sampling at given positions: divides rows among threads.
#include "subpixel/warp.hpp"

#include <algorithm>

#include "subpixel/dispatch.hpp"
#include "subpixel/parallel.hpp"

namespace subpixel {
namespace {

// A thread takes this many rows of an image at a time, block by block: neighbouring rows read mostly the same input,
// which stays in the first-level cache.
constexpr int kTileRows = 32;

void warp_tile(const Warp& image, int top, const WarpKernels& kernels) {
  const int bottom = std::min(image.rows - top, kTileRows) + top;
  for (std::ptrdiff_t column = 0; column < image.columns; column += kWarpBlock)
    for (int row = top; row < bottom; ++row) kernels.block(image, row, static_cast<int>(column));
}

}  // namespace

void warp(const Warp& first, std::ptrdiff_t count, int threads, const std::string& target) {
  const WarpKernels& kernels = *find_target(target).warp;
  const std::ptrdiff_t in = std::ptrdiff_t{first.height} * first.width * first.channels * bytes_of(first.sample);
  const std::ptrdiff_t positions = std::ptrdiff_t{first.rows} * first.columns;
  const std::ptrdiff_t out = positions * first.channels * bytes_of(first.sample);
  const std::ptrdiff_t down = (std::ptrdiff_t{first.rows} + kTileRows - 1) / kTileRows, tiles = count * down;
  parallel(tiles, threads, [&](const auto& next) {
    for (std::ptrdiff_t tile = next(); tile < tiles; tile = next()) {
      const std::ptrdiff_t n = tile / down;
      Warp image = first;
      image.x = static_cast<const char*>(first.x) + n * in;
      image.positions += n * 2 * positions;
      image.y = static_cast<char*>(first.y) + n * out;
      warp_tile(image, static_cast<int>(tile % down) * kTileRows, kernels);
    }
  });
}

void warp_volumes(const WarpVolume& first, std::ptrdiff_t count, int threads, const std::string& target) {
  const WarpKernels& kernels = *find_target(target).warp;
  const std::ptrdiff_t in = std::ptrdiff_t{first.channels} * first.depth * first.height * first.width;
  const std::ptrdiff_t positions = std::ptrdiff_t{first.slices} * first.rows * first.columns;
  const std::ptrdiff_t slices = count * first.slices;
  parallel(slices, threads, [&](const auto& next) {
    for (std::ptrdiff_t s = next(); s < slices; s = next()) {
      const std::ptrdiff_t n = s / first.slices;
      WarpVolume volume = first;
      volume.x += n * in;
      volume.positions += n * 3 * positions;
      volume.y += n * first.channels * positions;
      for (std::ptrdiff_t column = 0; column < first.columns; column += kWarpBlock)
        for (int row = 0; row < first.rows; ++row)
          kernels.volume_block(volume, static_cast<int>(s % first.slices), row, static_cast<int>(column));
    }
  });
}

void affine_grid(const AffineGrid& grid, std::ptrdiff_t count, int threads, const std::string& target) {
  const WarpKernels& kernels = *find_target(target).warp;
  const int last = grid.dims - 1, columns = grid.sides[last];
  const std::ptrdiff_t rows = grid.sides[last - 1], slices = grid.dims == 3 ? grid.sides[0] : 1;
  const std::ptrdiff_t lines = count * slices * rows, tiles = (lines + kTileRows - 1) / kTileRows;
  parallel(tiles, threads, [&](const auto& next) {
    for (std::ptrdiff_t tile = next(); tile < tiles; tile = next())
      for (std::ptrdiff_t n = tile * kTileRows; n < std::min(lines, (tile + 1) * kTileRows); ++n) {
        const std::ptrdiff_t row = n % rows, slice = n / rows % slices;
        GridLine line{};
        line.dims = grid.dims;
        line.theta = grid.theta + n / rows / slices * grid.dims * (grid.dims + 1);
        line.outer[0] = grid.dims == 3 ? grid.at[0][slice] : grid.at[0][row];
        line.outer[1] = grid.dims == 3 ? grid.at[1][row] : 0.0f;
        line.at = grid.at[last];
        line.to = grid.to + n * columns * grid.dims;
        line.columns = columns;
        kernels.grid_line(line);
      }
  });
}

}  // namespace subpixel
