// Input and output of chains: planes of numbers, and images around a luma network.
#include <cstring>

#include "subpixel/chain.hpp"

namespace subpixel {

// Planes of floats, or of bytes in sessions that compute with integers, which add the base as a byte.
template <class Sample>
class PlanesIo : public ChainIo {
 public:
  PlanesIo(const ChainSession& session, const Sample* x, int height, int width, Sample* y)
      : session_(session), x_(x), height_(height), width_(width), y_(y) {}

  void fetch(int channel, int row, int left, int count, float* to) const override {
    const Sample* from = x_ + (std::ptrdiff_t{channel} * height_ + row) * width_ + left;
    for (int k = 0; k < count; ++k) to[k] = value(from[k]);
  }
  const std::uint8_t* bytes(int row) const override {
    if constexpr (sizeof(Sample) == 1) return x_ + std::ptrdiff_t{row} * width_;
    else return nullptr;
  }
  std::unique_ptr<RowSink> sink(int left, int columns) const override {
    return std::make_unique<Strip>(*this, left, columns);
  }

 private:
  class Strip : public RowSink {
   public:
    Strip(const PlanesIo& of, int left, int columns)
        : of_(of), left_(left), columns_(columns),
          zeros_(of.session_.shape_.base ? 0 : static_cast<std::size_t>(columns)) {}
    void write(int row, const LastLayerRow& last) override {
      const ChainShape& shape = of_.session_.shape_;
      const int r = shape.scale;
      for (int c = 0; c < shape.channels; ++c) {
        const std::ptrdiff_t line = std::ptrdiff_t{c} * of_.height_ + row;
        const Sample* base = shape.base ? of_.x_ + line * of_.width_ + left_ : zeros_.data();
        for (int i = 0; i < r; ++i)
          interleave(last, c, i, base, of_.y_ + ((line * r + i) * of_.width_ + left_) * r);
      }
    }

   private:
    void interleave(const LastLayerRow& last, int channel, int i, const float* base, float* to) const {
      of_.session_.interleave(last, channel, i, 0, of_.session_.shape_.scale, base, columns_, to);
    }
    void interleave(const LastLayerRow& last, int channel, int i, const std::uint8_t* base, std::uint8_t* to) const {
      of_.session_.interleave_bytes(last, channel, i, 0, of_.session_.shape_.scale, base, columns_, to);
    }

    const PlanesIo& of_;
    int left_, columns_;
    std::vector<Sample> zeros_;
  };

  static float value(float sample) { return sample; }
  static float value(std::uint8_t sample) { return static_cast<float>(sample) * (1.0f / 255.0f); }

  const ChainSession& session_;
  const Sample* x_;
  int height_, width_;
  Sample* y_;
};

template <class Pixel>
class ImageIo : public ChainIo {
 public:
  ImageIo(const ChainSession& session, const Pixels<Pixel>& pixels, const std::vector<Phase>& phases, Pixel* y)
      : session_(session), pixels_(pixels), phases_(phases), y_(y) {
    // Flat cells are found before anything is computed. Reading luma a second time would take longer than they save in
    // most photographs.
    if (session.threshold_ < 0) return;
    plane_.reset(new float[static_cast<std::size_t>(pixels.height) * static_cast<std::size_t>(pixels.width)]);
    const int threads = threads_for(std::ptrdiff_t{pixels.height} * pixels.width, session.threads_);
    luma_plane(pixels, plane_.get(), threads, session.target_);
  }

  void fetch(int, int row, int left, int count, float* to) const override {
    if (plane_) {
      std::memcpy(to, luma(row, left), static_cast<std::size_t>(count) * 4);
      return;
    }
    LumaRow<Pixel> line(pixels_, session_.image_kernels_);
    std::memcpy(to, line(row, left, count), static_cast<std::size_t>(count) * 4);
  }
  std::unique_ptr<RowSink> sink(int left, int columns) const override {
    return std::make_unique<Strip>(*this, left, columns);
  }

 private:
  class Strip : public RowSink {
   public:
    Strip(const ImageIo& of, int left, int columns)
        : of_(of), left_(left), columns_(columns),
          composer_(of.pixels_, of.phases_, left, columns, of.session_.image_kernels_, of.session_.permuter_),
          luma_(of.pixels_, of.session_.image_kernels_), base_(static_cast<std::size_t>(columns)),
          net_(static_cast<std::size_t>(columns)) {}
    void write(int row, const LastLayerRow& last) override {
      const ChainSession& session = of_.session_;
      const float* base = base_.data();
      if (session.shape_.base) base = of_.plane_ ? of_.luma(row, left_) : luma_(row, left_, columns_);
      composer_.row(row, [&](int i, int j) {
        session.interleave(last, 0, i, j, 1, base, columns_, net_.data());
        return net_.data();
      }, of_.y_);
    }

   private:
    const ImageIo& of_;
    int left_, columns_;
    Composer<Pixel> composer_;
    LumaRow<Pixel> luma_;
    std::vector<float> base_, net_;
  };

  const float* luma(int row, int left) const { return plane_.get() + std::ptrdiff_t{row} * pixels_.width + left; }

  const ChainSession& session_;
  Pixels<Pixel> pixels_;
  const std::vector<Phase>& phases_;
  Pixel* y_;
  std::unique_ptr<float[]> plane_;  // the luma of all pixels, if flat cells are looked for
};

void ChainSession::run(const float* x, int height, int width, float* y) const {
  run_with(PlanesIo<float>(*this, x, height, width, y), height, width);
}

void ChainSession::run_bytes(const std::uint8_t* x, int height, int width, std::uint8_t* y) const {
  run_with(PlanesIo<std::uint8_t>(*this, x, height, width, y), height, width);
}

template <class Pixel>
void ChainSession::run(const Pixels<Pixel>& pixels, const std::vector<Phase>& phases, Pixel* y) const {
  run_with(ImageIo<Pixel>(*this, pixels, phases, y), pixels.height, pixels.width);
}

template void ChainSession::run(const Pixels<std::uint8_t>&, const std::vector<Phase>&, std::uint8_t*) const;
template void ChainSession::run(const Pixels<std::uint16_t>&, const std::vector<Phase>&, std::uint16_t*) const;

}  // namespace subpixel
