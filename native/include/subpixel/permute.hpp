// Reorders elements of rows by a repeating pattern: pixel shuffle and its inverse, in any layout.
#pragma once

#include <cstddef>
#include <string>

namespace subpixel {

// Rounds of one pattern. Each computes `width` bytes as a sum of table look-ups in a few sources, and the first
// `out_step` of them are the result. A table byte of 128 or more gives zero.
inline constexpr int kPermuteSources = 16;
struct PermuteRounds {
  const unsigned char* source[kPermuteSources];
  int sources;
  std::ptrdiff_t source_step, out_step, rounds;
  unsigned char* out;
  const unsigned char* table;  // (sources, width)
  // For permuters by lanes, (sources, width / 4): the word of 4 bytes of a source that each word of the result comes
  // from. The table then selects bytes within each 16-byte lane; with whole_words it only says which words are zero.
  const int* words;
  bool whole_words;
};

// The kernel table of byte permutations. With a width of 0 elements are moved one by one.
struct PermuteKernels {
  int width;
  void (*run)(const PermuteRounds&);
  // Copies past the caches, for results larger than they are. Null if the target has no such store.
  void (*stream)(unsigned char* to, const unsigned char* from, std::size_t bytes);
  bool lanes = false;  // works by lanes, see PermuteRounds; writes only the bytes of the result
};

// x is (N, C*rh*rw, H, W) and y (N, C, H*rh, W*rw), or with channels_last the channels are innermost. `inverse` goes
// from y's shape to x's. Channel with `crd`: c*rh*rw + i*rw + j, otherwise (i*rw + j)*C + c.
struct Shuffle {
  std::ptrdiff_t n, c, h, w;
  int rh, rw, item;  // item: bytes of an element, 1, 2, 4 or 8
  bool channels_last, crd, inverse;
};

void shuffle(const Shuffle& s, const unsigned char* from, unsigned char* to, int threads, const std::string& target);

}  // namespace subpixel
