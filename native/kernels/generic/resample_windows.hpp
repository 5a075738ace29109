// Sums of bytes along a row without transposing it, for targets that select bytes within 16-byte lanes. Part of
// resample.hpp. The target's file defines ByteVec (a vector of bytes as wide as Ints) with gather_windows, pick_bytes
// and multiply_bytes, which multiplies unsigned bytes by signed ones and adds neighbouring products in 16 bits.
#pragma once

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

template <class D>
inline auto finish_window(Ints sum, int shift, D) {
  if constexpr (sizeof(D) == 4)
    return sum;
  else
    return narrow(sum >> shift, D{});
}

// Several rows at a time, so that a table is loaded once for all of them.
template <int Rows, class D>
void window_rows(const WindowSums& w, int row) {
  constexpr int kGroups = kLanes / kWindow;
  const unsigned char* from[Rows];
  D* to[Rows];
  for (int r = 0; r < Rows; ++r) {
    from[r] = static_cast<const unsigned char*>(w.from[row + r]);
    to[r] = static_cast<D*>(w.to[row + r]);
  }
  // The lower 5 bits of the weights count once, the others 32 times: the products of both with bytes fit in 16 bits.
  const Ints ones = Ints{} + 0x00010001, more = Ints{} + 0x00200020;
  for (int g = 0; g < w.groups; g += kGroups) {
    const ByteVec table = load<ByteVec>(w.table + g * 16), low = load<ByteVec>(w.low + g * 16);
    const ByteVec high = load<ByteVec>(w.high + g * 16);
    for (int r = 0; r < Rows; ++r) {
      const ByteVec x = pick_bytes(gather_windows(from[r], w.start + g), table);
      const Ints sum = multiply_pairs(multiply_bytes(x, low), ones) + multiply_pairs(multiply_bytes(x, high), more);
      store(to[r] + g * kWindow, finish_window(sum, w.shift, D{}));
    }
  }
}

template <class D>
void window_sums(const WindowSums& w) {
  int row = 0;
  for (; row + 4 <= w.rows; row += 4) window_rows<4, D>(w, row);
  for (; row < w.rows; ++row) window_rows<1, D>(w, row);
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
