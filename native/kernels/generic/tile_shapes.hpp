// The shapes of all tile registers, in the format that the processor reads: `rows` rows of `bytes` bytes each.
#pragma once

#include <cstddef>
#include <cstdint>

#include "subpixel/cells.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

constexpr int kTiles = 8, kTileRows = 16, kTileColumns = 16;

struct alignas(64) TileShapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t bytes[16] = {};
  std::uint8_t rows[16] = {};

  void set(int tile, int height, int cells) {
    rows[tile] = static_cast<std::uint8_t>(height);
    bytes[tile] = static_cast<std::uint16_t>(cells * static_cast<int>(sizeof(Cell)));
  }
};

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
