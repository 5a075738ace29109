// Converts images to luma and composes them from a network's luma.
#include "subpixel/image.hpp"

#include <algorithm>

#include "subpixel/dispatch.hpp"
#include "subpixel/parallel.hpp"

namespace subpixel {
namespace {

// The taps reach two samples to each side, over five rows.
constexpr int kMargin = 2, kRing = 8;
// The float rows of a strip stay in the second-level cache. A job has so many rows that its halo costs little.
constexpr int kStrip = 1024, kJobRows = 32;

void split(const ImageKernels& k, const std::uint8_t* x, int n, int channels, float* const* planes) {
  k.split_u8(x, n, channels, planes);
}
void split(const ImageKernels& k, const std::uint16_t* x, int n, int channels, float* const* planes) {
  k.split_u16(x, n, channels, planes);
}
void store(const ImageKernels& k, const float* x, int n, std::uint8_t* to) { k.store_u8(x, n, to); }
void store(const ImageKernels& k, const float* x, int n, std::uint16_t* to) { k.store_u16(x, n, to); }

}  // namespace

template <class Pixel>
const float* LumaRow<Pixel>::operator()(int row, int left, int n) {
  if (samples_ < n) {
    planes_.reset(new float[static_cast<std::size_t>(5) * n]);
    samples_ = n;
  }
  float* planes[4];
  for (int c = 0; c < 4; ++c) planes[c] = planes_.get() + static_cast<std::ptrdiff_t>(c) * n;
  const std::ptrdiff_t first = std::ptrdiff_t{row} * pixels_.width + left;
  split(kernels_, pixels_.x + first * pixels_.channels, n, pixels_.channels, planes);
  const bool gray = pixels_.colours() == 1;
  float* y = planes_.get() + static_cast<std::ptrdiff_t>(4) * n;
  kernels_.luma(planes[0], gray ? nullptr : planes[1], planes[2], n, y);
  return y;
}

template <class Pixel>
Composer<Pixel>::Composer(const Pixels<Pixel>& pixels, const std::vector<Phase>& phases, int left, int columns,
                          const ImageKernels& kernels, const PermuteKernels& permuter)
    : pixels_(pixels), phases_(phases), left_(left), columns_(columns), colours_(pixels.colours()),
      kernels_(kernels),
      plan_(interleave_pattern(static_cast<int>(phases.size()) * pixels.channels), sizeof(Pixel), permuter),
      stride_((columns + 2 * kMargin + 31) / 32 * 32), ring_(static_cast<std::size_t>(kRing * colours_ * stride_)),
      ring_rows_(kRing, -1), row_sums_(static_cast<std::size_t>(colours_ * stride_)),
      result_planes_(static_cast<std::size_t>(colours_ * stride_)),
      result_(phases.size() * static_cast<std::size_t>(pixels.channels * stride_)) {
  if (pixels.alpha == Alpha::opaque)
    for (std::size_t j = 0; j < phases.size(); ++j) {
      const auto from = result_.begin() + static_cast<std::ptrdiff_t>((j * pixels.channels + colours_) * stride_);
      std::fill(from, from + stride_, static_cast<Pixel>(-1));
    }
}

// A row of a plane from column left - kMargin on. Outside the image its edge is repeated.
template <class Pixel>
const float* Composer<Pixel>::at(int plane, int row) {
  row = std::clamp(row, 0, pixels_.height - 1);
  if (ring_rows_[row % kRing] != row) load(row);
  return ring_.data() + ((row % kRing) * colours_ + plane) * stride_;
}

template <class Pixel>
void Composer<Pixel>::load(int row) {
  ring_rows_[row % kRing] = row;
  float* const base = ring_.data() + (row % kRing) * colours_ * stride_;
  const int first = std::max(0, kMargin - left_), wide = columns_ + 2 * kMargin;
  const int last = std::min(wide, pixels_.width - left_ + kMargin), n = last - first;
  const Pixel* x = pixels_.x + (std::ptrdiff_t{row} * pixels_.width + left_ - kMargin + first) * pixels_.channels;
  float* planes[4];
  std::vector<float> unused;
  for (int c = 0; c < pixels_.channels; ++c) planes[c] = base + c * stride_ + first;
  if (pixels_.alpha == Alpha::opaque) {
    unused.resize(static_cast<std::size_t>(n));
    planes[colours_] = unused.data();
  }
  split(kernels_, x, n, pixels_.channels, planes);
  for (int p = 0; p < colours_; ++p) {
    float* const line = base + p * stride_;
    std::fill(line, line + first, line[first]);
    std::fill(line + last, line + wide, line[last - 1]);
  }
}

template <class Pixel>
void Composer<Pixel>::sum_columns(int j) {
  for (int p = 0; p < colours_; ++p) {
    const float* rows[4];
    for (int t = 0; t < 4; ++t) rows[t] = row_sums_.data() + p * stride_ + kMargin + phases_[j].first + t;
    kernels_.weighted_sum(rows, phases_[j].weight.data(), columns_, result_planes_.data() + p * stride_);
  }
}

// Finishes the planes of one position in place.
template <class Pixel>
void Composer<Pixel>::compose(const float* net) {
  float* const plane = result_planes_.data();
  const bool gray = colours_ == 1;
  if (net != nullptr) kernels_.correct_luma(plane, gray ? nullptr : plane + stride_, plane + 2 * stride_, net, columns_);
}

template <class Pixel>
void Composer<Pixel>::row(int row, const std::function<const float*(int i, int j)>& net, Pixel* to) {
  const int r = static_cast<int>(phases_.size()), channels = pixels_.channels;
  const unsigned char* streams[64 * 4];
  const auto bytes = [&](std::ptrdiff_t k) { return reinterpret_cast<unsigned char*>(result_.data() + k * stride_); };
  for (int k = 0; k < r * channels; ++k) streams[k] = bytes(k);
  for (int i = 0; i < r; ++i) {
    for (int p = 0; p < colours_; ++p) {
      const float* rows[4];
      for (int t = 0; t < 4; ++t) rows[t] = at(p, row + phases_[i].first + t);
      kernels_.weighted_sum(rows, phases_[i].weight.data(), columns_ + 2 * kMargin, row_sums_.data() + p * stride_);
    }
    for (int j = 0; j < r; ++j) {
      sum_columns(j);
      compose(net(i, j));
      for (int c = 0; c < colours_; ++c)
        store(kernels_, result_planes_.data() + c * stride_, columns_, result_.data() + (j * channels + c) * stride_);
    }
    Pixel* out = to + ((std::ptrdiff_t{row} * r + i) * pixels_.width + left_) * r * channels;
    plan_.row(streams, columns_, reinterpret_cast<unsigned char*>(out), bytes(r * channels));
  }
}

template <class Pixel>
void compose(const Pixels<Pixel>& pixels, int top, int bottom, const float* luma, const std::vector<Phase>& phases,
             Pixel* y, int threads, const std::string& target) {
  const ImageKernels& kernels = *find_target(target).image;
  const PermuteKernels& permuter = *find_target(target).permute;
  const int r = static_cast<int>(phases.size());
  const int across = (pixels.width + kStrip - 1) / kStrip, down = (bottom - top + kJobRows - 1) / kJobRows;
  const std::ptrdiff_t jobs = std::ptrdiff_t{across} * down;
  parallel(jobs, threads, [&](const auto& next) {
    std::vector<float> net(kStrip);
    for (std::ptrdiff_t k = next(); k < jobs; k = next()) {
      const int left = static_cast<int>(k % across) * kStrip, first = top + static_cast<int>(k / across) * kJobRows;
      const int columns = std::min(kStrip, pixels.width - left), last = std::min(first + kJobRows, bottom);
      Composer<Pixel> composer(pixels, phases, left, columns, kernels, permuter);
      for (int row = first; row < last; ++row)
        composer.row(row, [&](int i, int j) -> const float* {
          if (luma == nullptr) return nullptr;
          const float* from = luma + ((std::ptrdiff_t{row - top} * r + i) * pixels.width + left) * r + j;
          for (int c = 0; c < columns; ++c) net[c] = from[std::ptrdiff_t{c} * r];
          return net.data();
        }, y);
    }
  });
}

template <class Pixel>
void luma_plane(const Pixels<Pixel>& pixels, float* luma, int threads, const std::string& target) {
  const ImageKernels& kernels = *find_target(target).image;
  parallel(pixels.height, threads, [&](const auto& next) {
    LumaRow<Pixel> line(pixels, kernels);
    for (std::ptrdiff_t row = next(); row < pixels.height; row = next()) {
      const float* y = line(static_cast<int>(row), 0, pixels.width);
      std::copy(y, y + pixels.width, luma + row * pixels.width);
    }
  });
}

template class LumaRow<std::uint8_t>;
template class LumaRow<std::uint16_t>;
template class Composer<std::uint8_t>;
template class Composer<std::uint16_t>;
template void compose(const Pixels<std::uint8_t>&, int, int, const float*, const std::vector<Phase>&, std::uint8_t*,
                      int, const std::string&);
template void compose(const Pixels<std::uint16_t>&, int, int, const float*, const std::vector<Phase>&, std::uint16_t*,
                      int, const std::string&);
template void luma_plane(const Pixels<std::uint8_t>&, float*, int, const std::string&);
template void luma_plane(const Pixels<std::uint16_t>&, float*, int, const std::string&);

}  // namespace subpixel
