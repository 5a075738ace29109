// The instructions of AMX: eight registers of 16 rows of 64 bytes. Written as assembly, because gcc's intrinsics accept
// only literal register numbers, and those of gcc 12 do not say that the shapes are read from memory: it drops their
// stores.
#pragma once

#include "../generic/tile_shapes.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

struct Tiles {
  // Configures the tiles. All earlier stores are in memory afterwards, as load() needs. Takes about 200 cycles.
  void configure(const TileShapes& shapes) { asm volatile("ldtilecfg %0" : : "m"(shapes) : "memory"); }
  // While no tiles are in use, the system saves 8 KiB less at each context switch and lets the processor sleep deeper.
  void release() { asm volatile("tilerelease"); }

  template <int T>
  void zero() { asm volatile("tilezero %%tmm%c0" : : "i"(T)); }
  // Strides are in cells.
  template <int T>
  void load(const void* from, std::ptrdiff_t stride) {
    asm volatile("tileloadd (%0,%1,4), %%tmm%c2" : : "r"(from), "r"(stride), "i"(T));
  }
  template <int T>
  void store(void* to, std::ptrdiff_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,4)" : : "r"(to), "r"(stride), "i"(T) : "memory");
  }
  // C += A * B, signed bytes by unsigned ones
  template <int C, int A, int B>
  void multiply_bytes() { asm volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B)); }
  template <int C, int A, int B>
  void multiply_bf16() { asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B)); }
};

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
