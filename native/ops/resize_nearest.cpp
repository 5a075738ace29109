// Resizes by copying the nearest samples.
#include <algorithm>
#include <cstring>

#include "subpixel/parallel.hpp"
#include "subpixel/resize.hpp"

namespace subpixel {
namespace {

template <std::size_t Bytes>
void pick(const char* from, char* to, const int* index, int count) {
  for (int i = 0; i < count; ++i) std::memcpy(to + i * Bytes, from + index[i] * Bytes, Bytes);
}

void pick(const char* from, char* to, const int* index, int count, std::size_t bytes) {
  for (int i = 0; i < count; ++i) std::memcpy(to + i * bytes, from + index[i] * bytes, bytes);
}

// Three bytes are copied as four while another sample follows them.
void pick_three(const char* from, char* to, const int* index, int count, int n_in) {
  for (int i = 0; i < count; ++i)
    std::memcpy(to + i * 3, from + std::ptrdiff_t{index[i]} * 3, i + 1 < count && index[i] + 1 < n_in ? 4 : 3);
}

void pick_row(const ResizeAxis& axis, const char* from, char* to, std::size_t bytes) {
  const int* index = axis.index(0);
  switch (bytes) {
    case 1: return pick<1>(from, to, index, axis.n_out());
    case 2: return pick<2>(from, to, index, axis.n_out());
    case 3: return pick_three(from, to, index, axis.n_out(), axis.n_in());
    case 4: return pick<4>(from, to, index, axis.n_out());
    case 6: return pick<6>(from, to, index, axis.n_out());
    case 8: return pick<8>(from, to, index, axis.n_out());
    case 12: return pick<12>(from, to, index, axis.n_out());
    case 16: return pick<16>(from, to, index, axis.n_out());
    default: return pick(from, to, index, axis.n_out(), bytes);
  }
}

}  // namespace

void resize_nearest(const ResizeShape& s, int item, const ResizeAxis* rows, const ResizeAxis* columns, const void* x,
                    void* y, int threads) {
  const std::size_t sample = static_cast<std::size_t>(item) * s.channels;
  const std::size_t in = sample * s.width, out = sample * (columns ? columns->n_out() : s.width);
  const std::ptrdiff_t height = rows ? rows->n_out() : s.height, total = s.outer * height;
  constexpr std::ptrdiff_t kRows = 64;
  const std::ptrdiff_t bands = (total + kRows - 1) / kRows;
  threads = worthwhile_threads(total * static_cast<std::ptrdiff_t>(out), threads);
  parallel(bands, threads, [&](const auto& next) {
    for (std::ptrdiff_t band = next(); band < bands; band = next()) {
      const char* last = nullptr;
      for (std::ptrdiff_t k = band * kRows; k < std::min((band + 1) * kRows, total); ++k) {
        const std::ptrdiff_t row = rows ? *rows->index(static_cast<int>(k % height)) : k % height;
        const char* from =
            static_cast<const char*>(x) + (k / height * s.height + row) * static_cast<std::ptrdiff_t>(in);
        char* to = static_cast<char*>(y) + k * static_cast<std::ptrdiff_t>(out);
        if (from == last || !columns)
          std::memcpy(to, from == last ? to - out : from, out);
        else
          pick_row(*columns, from, to, sample);
        last = from;
      }
    }
  });
}

}  // namespace subpixel
