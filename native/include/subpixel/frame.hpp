// A frame of video: a plane of luma and perhaps two of chroma, of 8 … 16 bits, with any stride between rows. Luma goes
// through the network and chroma is interpolated (cubic). The phases say where the chroma samples lie.
#pragma once

#include <cstddef>
#include <vector>

#include "subpixel/image.hpp"

namespace subpixel {

template <class Code>
struct FramePlane {
  Code* first;
  std::ptrdiff_t stride;  // in samples; negative if the last row comes first in memory
  int height, width;
  Code* row(int k) const { return first + k * stride; }
};

// Maps codes to the studio luma that networks take: black 16/255 and white 235/255.
//   value = code * unit + black;   code = (value - black) * codes, rounded half up, 0 … most
struct Codes {
  float unit, black, codes;
  int most;
  bool bytes;  // a value is its code / 255: bytes need no conversion
};

// Studio range (ITU-R BT.601, 709, 2020): black 16 and white 235, both times 2^(bits - 8). In full range they are 0 and
// 2^bits - 1.
inline Codes codes_of(int bits, bool full_range) {
  const int most = (1 << bits) - 1, studio = 255 << (bits - 8);
  if (!full_range) return {static_cast<float>(1.0 / studio), 0.0f, static_cast<float>(studio), most, bits == 8};
  const double span = 219.0 / 255.0;
  return {static_cast<float>(span / most), static_cast<float>(16.0 / 255.0), static_cast<float>(most / span), most,
          false};
}

template <class Code>
struct Frame {
  FramePlane<const Code> x[3];
  FramePlane<Code> y[3];  // scale times as large; chroma: ceil(luma / down) rows, ceil(luma / across) columns
  int planes;             // 1, or 3 with chroma
  int down, across;       // luma samples per chroma sample
  std::vector<Phase> rows, columns;  // the taps of chroma at each phase
  Codes codes;
};

}  // namespace subpixel
