// The instructions of AMX as loops, so that the code above them is tested on any processor. What the processor would
// refuse is a trap.
#pragma once

#include "../generic/tile_shapes.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

class Tiles {
 public:
  void configure(const TileShapes& shapes) {
    need(shapes.palette == 1 && shapes.start_row == 0);
    for (int t = 0; t < kTiles; ++t) {
      need(shapes.rows[t] >= 1 && shapes.rows[t] <= kTileRows && shapes.bytes[t] >= 1 && shapes.bytes[t] <= 64);
      need(shapes.bytes[t] % sizeof(Cell) == 0);
    }
    shapes_ = shapes;
  }
  void release() { shapes_ = TileShapes{}; }

  template <int T>
  void zero() {
    need(rows(T) > 0);
    cells_[T] = Tile{};
  }
  template <int T>
  void load(const void* from, std::ptrdiff_t stride) {
    zero<T>();
    for (int row = 0; row < rows(T); ++row)
      __builtin_memcpy(cells_[T].at[row], static_cast<const Cell*>(from) + row * stride, shapes_.bytes[T]);
  }
  template <int T>
  void store(void* to, std::ptrdiff_t stride) {
    need(rows(T) > 0);
    for (int row = 0; row < rows(T); ++row)
      __builtin_memcpy(static_cast<Cell*>(to) + row * stride, cells_[T].at[row], shapes_.bytes[T]);
  }
  template <int C, int A, int B>
  void multiply_bytes() {
    fit(C, A, B);
    for (int m = 0; m < rows(C); ++m)
      for (int k = 0; k < rows(B); ++k)
        for (int n = 0; n < kTileColumns; ++n)
          for (int bit = 0; bit < 32; bit += 8)
            cells_[C].at[m][n] += static_cast<Cell>(static_cast<std::int8_t>(cells_[A].at[m][k] >> bit) *
                                                    static_cast<int>(cells_[B].at[k][n] >> bit & 255));
  }
  // The even and the odd products are summed separately first. (Denormals count here; in AMX they are zeros.)
  template <int C, int A, int B>
  void multiply_bf16() {
    fit(C, A, B);
    for (int m = 0; m < rows(C); ++m) {
      float even[kTileColumns] = {}, odd[kTileColumns] = {};
      for (int k = 0; k < rows(B); ++k)
        for (int n = 0; n < kTileColumns; ++n) {
          even[n] += real(cells_[A].at[m][k] << 16) * real(cells_[B].at[k][n] << 16);
          odd[n] += real(cells_[A].at[m][k] & 0xffff0000u) * real(cells_[B].at[k][n] & 0xffff0000u);
        }
      for (int n = 0; n < kTileColumns; ++n) {
        const float sum = real(cells_[C].at[m][n]) + (even[n] + odd[n]);
        __builtin_memcpy(&cells_[C].at[m][n], &sum, sizeof sum);
      }
    }
  }

 private:
  struct Tile {
    Cell at[kTileRows][kTileColumns];
  };

  static void need(bool condition) {
    if (!condition) __builtin_trap();
  }
  static float real(Cell bits) {
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
  }
  int rows(int tile) const { return shapes_.rows[tile]; }
  void fit(int c, int a, int b) const {
    need(c != a && c != b && a != b && rows(c) > 0 && rows(c) == rows(a));
    need(shapes_.bytes[a] == rows(b) * static_cast<int>(sizeof(Cell)) && shapes_.bytes[c] == shapes_.bytes[b]);
  }

  TileShapes shapes_ = {};
  Tile cells_[kTiles] = {};
};

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
