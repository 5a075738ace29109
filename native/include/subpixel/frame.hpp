// A frame of video around a luma network: planes of luma and perhaps two of chroma, of 8 … 16 bits, rows apart by any
// stride. Luma goes through the network, chroma is interpolated (cubic); where its samples lie is in the phases given.
#pragma once

#include <cstddef>
#include <vector>

#include "subpixel/image.hpp"

namespace subpixel {

template <class Code>
struct FramePlane {
  Code* first;
  std::ptrdiff_t stride;  // samples from a row to the next; negative if they lie bottom up
  int height, width;
  Code* row(int k) const { return first + k * stride; }
};

// What codes stand for: the studio luma that networks take, black 16/255 and white 235/255.
//   value = code * unit + black;   code = (value - black) * codes, rounded half up, 0 … most
struct Codes {
  float unit, black, codes;
  int most;
  bool bytes;  // a value is its code / 255: whole numbers can stand for both
};

// Studio range (ITU-R BT.601, 709, 2020): black 16, white 235, both times 2^(bits - 8); full: 0 and 2^bits - 1.
inline Codes codes_of(int bits, bool full_range) {
  const int most = (1 << bits) - 1, studio = 255 << (bits - 8);
  if (!full_range) return {static_cast<float>(1.0 / studio), 0.0f, static_cast<float>(studio), most, bits == 8};
  const double span = 219.0 / 255.0;
  return {static_cast<float>(span / most), static_cast<float>(16.0 / 255.0), static_cast<float>(most / span), most, false};
}

template <class Code>
struct Frame {
  FramePlane<const Code> x[3];
  FramePlane<Code> y[3];  // scale times as large; of chroma ceil(luma / down) rows and ceil(luma / across) columns
  int planes;             // 1, or 3 with chroma
  int down, across;       // samples of luma to one of chroma
  std::vector<Phase> rows, columns;  // taps of chroma's phases
  Codes codes;
};

}  // namespace subpixel
