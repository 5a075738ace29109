#include "subpixel/warp.hpp"

#include <algorithm>

#include "subpixel/dispatch.hpp"
#include "subpixel/parallel.hpp"

namespace subpixel {
namespace {

// A thread takes so many rows of a picture at a time and walks them block by block: what neighbouring rows read of
// the input is mostly the same, and stays in the first-level cache.
constexpr int kTileRows = 32;

void warp_tile(const WarpF32& picture, int top, WarpBlockF32* block) {
  const int bottom = std::min(picture.rows - top, kTileRows) + top;
  for (std::ptrdiff_t column = 0; column < picture.columns; column += kWarpBlock)
    for (int row = top; row < bottom; ++row) block(picture, row, static_cast<int>(column));
}

}  // namespace

void warp(const WarpF32& first, std::ptrdiff_t count, int threads, const std::string& target) {
  WarpBlockF32* const block = warp_block_f32(target);
  const std::ptrdiff_t in = std::ptrdiff_t{first.height} * first.width;
  const std::ptrdiff_t out = std::ptrdiff_t{first.rows} * first.columns;
  const std::ptrdiff_t down = (std::ptrdiff_t{first.rows} + kTileRows - 1) / kTileRows, tiles = count * down;
  parallel(tiles, threads, [&](const auto& next) {
    for (std::ptrdiff_t tile = next(); tile < tiles; tile = next()) {
      const std::ptrdiff_t n = tile / down;
      WarpF32 picture = first;
      picture.x += n * first.channels * in;
      picture.places += n * 2 * out;
      picture.y += n * first.channels * out;
      warp_tile(picture, static_cast<int>(tile % down) * kTileRows, block);
    }
  });
}

}  // namespace subpixel
