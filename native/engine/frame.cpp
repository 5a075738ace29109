// Input and output of chains: frames of video. Only the planes themselves are whole in memory: the chroma rows that
// belong to a row of luma are computed right after it, straight from the codes around them.
#include "subpixel/frame.hpp"

#include <algorithm>
#include <cstdint>

#include "subpixel/chain.hpp"

namespace subpixel {
namespace {

// The taps reach two samples to each side.
constexpr int kMargin = 2;

void from_codes(const ImageKernels& k, const std::uint8_t* x, int n, const Codes& c, float* to) {
  k.from_codes_u8(x, n, c.unit, c.black, to);
}
void from_codes(const ImageKernels& k, const std::uint16_t* x, int n, const Codes& c, float* to) {
  k.from_codes_u16(x, n, c.unit, c.black, to);
}
void weighted_sum(const ImageKernels& k, const std::uint8_t* const* rows, const float* weight, int n, float* to) {
  k.weighted_sum_u8(rows, weight, n, to);
}
void weighted_sum(const ImageKernels& k, const std::uint16_t* const* rows, const float* weight, int n, float* to) {
  k.weighted_sum_u16(rows, weight, n, to);
}
void to_codes(const ImageKernels& k, const float* x, int n, const Codes& c, std::uint8_t* to) {
  k.to_codes_u8(x, n, c.black, c.codes, c.most, to);
}
void to_codes(const ImageKernels& k, const float* x, int n, const Codes& c, std::uint16_t* to) {
  k.to_codes_u16(x, n, c.black, c.codes, c.most, to);
}

// The chroma of a strip of luma columns: every sample whose cell of luma begins in the strip.
template <class Code>
class ChromaStrip {
 public:
  ChromaStrip(const Frame<Code>& frame, int left, int columns, const ImageKernels& kernels,
              const PermuteKernels& permuter)
      : frame_(frame),
        kernels_(kernels),
        r_(static_cast<int>(frame.rows.size())),
        first_(ceil_div(left, frame.across)),
        count_(ceil_div(left + columns, frame.across) - first_),
        stride_((count_ + 31) / 32 * 32),
        plan_(interleave_pattern(r_), sizeof(Code), permuter),
        row_sums_(static_cast<std::size_t>(count_ + 2 * kMargin)),
        sums_(static_cast<std::size_t>(count_)),
        result_(static_cast<std::size_t>(r_ * stride_)) {}

  // Writes the rows that one row of a plane becomes; the last one may become fewer.
  void row(int plane, int row) {
    if (count_ < 1) return;
    for (int i = 0; i < r_ && row * r_ + i < frame_.y[plane].height; ++i) {
      sum_rows(plane, row, frame_.rows[i]);
      for (int j = 0; j < r_; ++j) {
        const Phase& phase = frame_.columns[j];
        const float* taps[4];
        for (int t = 0; t < 4; ++t) taps[t] = row_sums_.data() + kMargin + phase.first + t;
        kernels_.weighted_sum(taps, phase.weight.data(), count_, sums_.data());
        to_codes(kernels_, sums_.data(), count_, {1.0f, 0.0f, 1.0f, frame_.codes.most, false},
                 result_.data() + j * stride_);
      }
      interleave(frame_.y[plane], row * r_ + i);
    }
  }

 private:
  // Sums rows for columns first - kMargin … first + count + kMargin. Outside the plane its edge is repeated.
  void sum_rows(int plane, int row, const Phase& phase) {
    const FramePlane<const Code>& x = frame_.x[plane];
    const int begin = std::max(0, kMargin - first_), wide = count_ + 2 * kMargin;
    const int end = std::min(wide, x.width - first_ + kMargin);
    const Code* taps[4];
    for (int t = 0; t < 4; ++t)
      taps[t] = x.row(std::clamp(row + phase.first + t, 0, x.height - 1)) + first_ - kMargin + begin;
    float* const line = row_sums_.data();
    weighted_sum(kernels_, taps, phase.weight.data(), end - begin, line + begin);
    std::fill(line, line + begin, line[begin]);
    std::fill(line + end, line + wide, line[end - 1]);
  }

  void interleave(const FramePlane<Code>& y, int row) {
    const int begin = first_ * r_, wide = std::min(count_ * r_, y.width - begin), units = wide / r_;
    const unsigned char* streams[kMaxScale];
    const auto bytes = [&](const Code* p) { return reinterpret_cast<const unsigned char*>(p); };
    for (int j = 0; j < r_; ++j) streams[j] = bytes(result_.data() + j * stride_);
    Code* const to = y.row(row) + begin;
    plan_.row(streams, units, reinterpret_cast<unsigned char*>(to), bytes(result_.data() + result_.size()));
    // If luma's side is no multiple, the last sample's cell ends beyond the plane.
    for (int j = 0; j < wide - units * r_; ++j)
      to[units * r_ + j] = result_[static_cast<std::size_t>(j * stride_ + units)];
  }

  const Frame<Code>& frame_;
  const ImageKernels& kernels_;
  int r_, first_, count_, stride_;
  PatternPlan plan_;
  std::vector<float> row_sums_, sums_;
  std::vector<Code> result_;  // [phase][column]
};

}  // namespace

template <class Code>
class FrameIo : public ChainIo {
 public:
  FrameIo(const ChainSession& session, const Frame<Code>& frame) : session_(session), frame_(frame) {}

  void fetch(int, int row, int left, int count, float* to) const override {
    from_codes(session_.image_kernels_, frame_.x[0].row(row) + left, count, frame_.codes, to);
  }
  const std::uint8_t* bytes(int row) const override {
    if constexpr (sizeof(Code) == 1)
      if (frame_.codes.bytes) return frame_.x[0].row(row);
    return nullptr;
  }
  std::unique_ptr<RowSink> sink(int left, int columns) const override {
    return std::make_unique<Strip>(*this, left, columns);
  }

 private:
  class Strip : public RowSink {
   public:
    Strip(const FrameIo& of, int left, int columns)
        : of_(of), left_(left), columns_(columns), base_(static_cast<std::size_t>(columns)),
          zeros_(static_cast<std::size_t>(columns)),
          net_(static_cast<std::size_t>(columns) * static_cast<std::size_t>(of.session_.shape_.scale)) {
      const ChainSession& session = of.session_;
      if (of.frame_.planes > 1)
        chroma_.emplace_back(of.frame_, left, columns, session.image_kernels_, session.permuter_);
    }
    void write(int row, const LastLayerRow& last) override {
      for (int i = 0; i < of_.session_.shape_.scale; ++i) luma(row, i, last);
      const int down = of_.frame_.down;
      if (row % down == 0)
        for (ChromaStrip<Code>& chroma : chroma_)
          for (int plane = 1; plane < 3; ++plane) chroma.row(plane, row / down);
    }

   private:
    void luma(int row, int i, const LastLayerRow& last) {
      const ChainSession& session = of_.session_;
      const bool based = session.shape_.base;
      const Frame<Code>& frame = of_.frame_;
      const int r = session.shape_.scale;
      Code* const to = frame.y[0].row(row * r + i) + std::ptrdiff_t{left_} * r;
      if constexpr (sizeof(Code) == 1) {
        const std::uint8_t* base = based ? frame.x[0].row(row) + left_ : zeros_.data();
        if (frame.codes.bytes && session.interleave_bytes(last, 0, i, 0, r, base, columns_, to)) return;
      }
      if (based && i == 0) of_.fetch(0, row, left_, columns_, base_.data());
      session.interleave(last, 0, i, 0, r, base_.data(), columns_, net_.data());
      to_codes(session.image_kernels_, net_.data(), columns_ * r, frame.codes, to);
    }

    const FrameIo& of_;
    int left_, columns_;
    std::vector<float> base_;
    std::vector<std::uint8_t> zeros_;
    std::vector<float> net_;
    std::vector<ChromaStrip<Code>> chroma_;  // one, or none in a gray frame
  };

  const ChainSession& session_;
  const Frame<Code>& frame_;
};

template <class Code>
void ChainSession::run(const Frame<Code>& frame) const {
  run_with(FrameIo<Code>(*this, frame), frame.x[0].height, frame.x[0].width);
}

template void ChainSession::run(const Frame<std::uint8_t>&) const;
template void ChainSession::run(const Frame<std::uint16_t>&) const;

}  // namespace subpixel
