// Elements of rows in another order, by a pattern that repeats: pixel shuffle and its inverse, in any layout.
#pragma once

#include <cstddef>
#include <string>

namespace subpixel {

// Rounds of one pattern: each makes `width` bytes, of which the first `out_step` are kept, as the sum of table
// look-ups in a few sources. A table byte of 128 or more gives zero.
inline constexpr int kPermuteSources = 16;
struct PermuteRounds {
  const unsigned char* source[kPermuteSources];
  int sources;
  std::ptrdiff_t source_step, out_step, rounds;
  unsigned char* out;
  const unsigned char* table;  // (sources, width)
  // For permuters by lanes: (sources, width / 4), which word of 4 bytes of a source each word is made of before the
  // table picks from it within each 16-byte lane; with whole_words the table only says which are zero.
  const int* words;
  bool whole_words;
};

// What a target offers. A width of 0 means that elements are moved one by one.
struct PermuteKernels {
  int width;
  void (*run)(const PermuteRounds&);
  // Copies past the caches, for results larger than they are; null where there is no such store.
  void (*stream)(unsigned char* to, const unsigned char* from, std::size_t bytes);
  bool lanes = false;  // as PermuteRounds says; such a one writes the kept bytes only
};

// x is (N, C*rh*rw, H, W) and y (N, C, H*rh, W*rw), or with channels_last the channels innermost; `inverse` goes from
// y's shape to x's. `crd`: channel c*rh*rw + i*rw + j, else (i*rw + j)*C + c.
struct Shuffle {
  std::ptrdiff_t n, c, h, w;
  int rh, rw, item;  // item: bytes of an element, 1, 2, 4 or 8
  bool channels_last, crd, inverse;
};

void shuffle(const Shuffle& s, const unsigned char* from, unsigned char* to, int threads, const std::string& target);

}  // namespace subpixel
