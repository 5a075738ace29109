// Resizes arrays row by row. Down the image rows are summed as they are. Across it a few rows are transposed, so that
// columns become rows, then summed likewise and transposed back. The values between the two passes stay in the cache:
// rows that were resized across wait in a ring until no further sum down needs them.
#include "subpixel/resize.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>

#include "subpixel/dispatch.hpp"
#include "subpixel/parallel.hpp"

namespace subpixel {
namespace {

// A vector that crosses a cache line takes two loads.
constexpr std::align_val_t kLine{64};
struct Free {
  void operator()(char* memory) const { operator delete(memory, kLine); }
};
using Memory = std::unique_ptr<char[], Free>;

Memory allocate(std::ptrdiff_t samples, Kind kind) {
  return Memory(static_cast<char*>(operator new(static_cast<std::size_t>(samples * size_of(kind)), kLine)));
}

// Rows of this length begin at a cache line, whatever their samples are.
std::ptrdiff_t whole_lines(std::ptrdiff_t samples) { return (samples + 63) / 64 * 64; }

SumRows* sum_of(const ResampleKernels& r, Kind sum_kind, Kind to) {
  switch (sum_kind) {
    case Kind::f32: return to == Kind::f32 ? r.f32 : to == Kind::u8 ? r.f32_u8 : to == Kind::u16 ? r.f32_u16 : nullptr;
    case Kind::f64:
      return to == Kind::f64 ? r.f64 : to == Kind::f32 ? r.f64_f32 : to == Kind::u8 ? r.f64_u8
                                   : to == Kind::u16   ? r.f64_u16
                                                       : nullptr;
    case Kind::u8: return to == Kind::u8 ? r.u8 : to == Kind::i32 ? r.u8_i32 : to == Kind::i16 ? r.u8_i16 : nullptr;
    case Kind::i32: return to == Kind::u8 ? r.i32_u8 : nullptr;
    case Kind::i16: return to == Kind::u8 ? r.i16_u8 : nullptr;
    case Kind::u16: break;
  }
  return nullptr;
}

Widen* widen_of(const ResampleKernels& r, Kind from, Kind sum_kind) {
  if (sum_kind == Kind::f32) return from == Kind::u8 ? r.u8_f32 : from == Kind::u16 ? r.u16_f32 : nullptr;
  if (sum_kind != Kind::f64) return nullptr;
  return from == Kind::u8 ? r.u8_f64 : from == Kind::u16 ? r.u16_f64 : from == Kind::f32 ? r.f32_f64 : nullptr;
}

Kind sum_kind_of(const ResizePass& pass) { return pass.axis->sums() == Kind::i32 ? pass.from : pass.axis->sums(); }

// A pass with the kernels of a target. Samples that are not of the sum's kind are widened first.
struct Step {
  const ResizeAxis& axis;
  Kind from, sum_kind, to;
  Finish finish;
  SumRows* sum;
  Widen* widen;

  Step(const ResizePass& pass, const ResampleKernels& r)
      : axis(*pass.axis), from(pass.from), sum_kind(sum_kind_of(pass)), to(pass.to), finish(pass.finish),
        sum(sum_of(r, sum_kind, to)), widen(widen_of(r, from, sum_kind)) {}

  // Steps and samples are whole rows of `count` samples.
  RowSums row_sums(int first, int outputs, std::ptrdiff_t count) const {
    RowSums w{};
    axis.describe(sum_kind, first, outputs, w);
    w.step = w.to_step = w.count = count;
    w.finish = finish;
    return w;
  }
};

int log_size(Kind kind) { return size_of(kind) == 8 ? 3 : size_of(kind) / 2; }

// A range of columns, in samples before a pass and after it.
struct Strip {
  std::ptrdiff_t in, in_count, out, out_count;
  int block, blocks;  // blocks of HorizontalPass
};

// Resizes rows across.
class HorizontalPass {
 public:
  // `padded`: up to a cache line beyond the result may be written.
  HorizontalPass(const Step& step, const ResampleKernels& kernels, int channels, int rows, bool padded)
      : step_(step), channels_(channels), many_channels_(channels >= kManyChannels) {
    if (padded && step.from == Kind::u8 && (step.to == Kind::i32 || step.to == Kind::i16)) {
      sum_windows_ = step.to == Kind::i32 ? kernels.windows_i32 : kernels.windows_i16;
      if (sum_windows_) windows_ = step.axis.window_table(channels);
    }
    if (windows_) {
      lanes_ = 4;
    } else if (!many_channels_) {
      transpose_in_ = kernels.transpose_in[log_size(step.from)];
      transpose_out_ = kernels.transpose_out[log_size(step.to)];
      // At least 64 samples per sum, but no more rows than there are.
      const int wanted = (64 / channels + kLaneStep - 1) / kLaneStep * kLaneStep;
      lanes_ = std::max(kLaneStep, std::min(wanted, (rows + kLaneStep - 1) / kLaneStep * kLaneStep));
    }
    plan_blocks();
  }

  int lanes() const { return lanes_; }

  // Cuts the row into strips of at least this many samples, before the pass or after it.
  std::vector<Strip> strips(std::ptrdiff_t samples, bool before) const {
    std::vector<Strip> list;
    for (int k = 0; k < static_cast<int>(blocks_.size()); ++k) {
      const Block& b = blocks_[k];
      if (list.empty() || (before ? list.back().in_count : list.back().out_count) >= samples)
        list.push_back({b.low * std::ptrdiff_t{channels_}, 0, b.first * std::ptrdiff_t{channels_}, 0, k, 0});
      Strip& strip = list.back();
      const std::ptrdiff_t low = std::min(strip.in, b.low * std::ptrdiff_t{channels_});
      const std::ptrdiff_t end = std::max(strip.in + strip.in_count, std::ptrdiff_t{b.low + b.inputs} * channels_);
      strip.in = low;
      strip.in_count = end - low;
      strip.out_count += b.outputs * std::ptrdiff_t{channels_};
      ++strip.blocks;
    }
    return list;
  }

  // Resizes rows that begin with sample `in` before the pass and `out` after it.
  void run(const Strip& strip, std::ptrdiff_t in, const void* const* from, std::ptrdiff_t out, void* const* to,
           int rows) const {
    if (windows_) return run_windows(strip, in, from, out, to, rows);
    for (int k = strip.block; k < strip.block + strip.blocks; ++k) {
      const Block& block = blocks_[k];
      const void* x[kMostLanes];
      void* y[kMostLanes];
      for (int r = 0; r < rows; ++r) {
        x[r] = static_cast<const char*>(from[r]) + (block.low * std::ptrdiff_t{channels_} - in) * size_of(step_.from);
        y[r] = static_cast<char*>(to[r]) + (block.first * std::ptrdiff_t{channels_} - out) * size_of(step_.to);
      }
      if (many_channels_)
        run_many_channels(block, x[0], y[0]);
      else
        run_block(block, x, y, rows);
    }
  }

  static constexpr int kMostLanes = 64;

 private:
  // The outputs of a block; strips consist of blocks. A multiple of whole vectors.
  static constexpr int kWindows = 64;
  // From this many channels on pixels are summed as they are; fewer would leave vectors empty.
  static constexpr int kManyChannels = 32;
  // The bytes of a tile: it and its result stay in the first-level cache.
  static constexpr std::ptrdiff_t kTile = 12 << 10;

  struct Block {
    int first, outputs, low, inputs;
  };

  void plan_blocks() {
    const ResizeAxis& axis = step_.axis;
    const std::ptrdiff_t column = std::ptrdiff_t{channels_} * lanes_;
    const double ratio = static_cast<double>(axis.n_in()) / axis.n_out();
    const double bytes = column * std::max<double>(size_of(step_.to), size_of(step_.sum_kind) * ratio);
    const int outputs = windows_ ? kWindows : std::max(8, static_cast<int>(kTile / bytes));
    int inputs = 0;
    for (int first = 0; first < axis.n_out(); first += outputs) {
      Block block{first, std::min(outputs, axis.n_out() - first), 0, 0};
      int high;
      axis.reach(first, block.outputs, block.low, high);
      block.inputs = high - block.low + 1;
      inputs = std::max(inputs, block.inputs);
      blocks_.push_back(block);
    }
    if (step_.widen) wide_ = allocate(inputs * column, step_.sum_kind);
    if (many_channels_ || windows_) return;
    tile_ = allocate(inputs * column, step_.from);
    result_ = allocate(std::min(outputs, axis.n_out()) * column, step_.to);
  }

  void sum(const Block& block, const void* from, void* to) const {
    const std::ptrdiff_t count = std::ptrdiff_t{channels_} * lanes_;
    if (step_.widen) step_.widen(from, wide_.get(), block.inputs * count);
    RowSums w = step_.row_sums(block.first, block.outputs, count);
    w.from = step_.widen ? wide_.get() : from;
    w.origin = block.low;
    w.to = to;
    step_.sum(w);
  }

  void run_windows(const Strip& strip, std::ptrdiff_t in, const void* const* from, std::ptrdiff_t out, void* const* to,
                   int rows) const {
    const void* x[kMostLanes];
    void* y[kMostLanes];
    for (int r = 0; r < rows; ++r) {
      x[r] = static_cast<const char*>(from[r]) - in * size_of(step_.from);
      y[r] = static_cast<char*>(to[r]) + (strip.out - out) * size_of(step_.to);
    }
    const std::ptrdiff_t group = strip.out / kWindow, together = 4 * kWindow;
    const int groups = static_cast<int>((strip.out_count + together - 1) / together) * 4;
    sum_windows_({x, y, rows, groups, windows_->start.data() + group, windows_->table.data() + group * 16,
                  windows_->low.data() + group * 16, windows_->high.data() + group * 16, step_.finish.shift});
  }

  void run_many_channels(const Block& block, const void* from, void* to) const { sum(block, from, to); }

  void run_block(const Block& block, const void* const* from, void* const* to, int rows) const {
    transpose_in_(from, rows, std::ptrdiff_t{block.inputs} * channels_, tile_.get(), lanes_);
    sum(block, tile_.get(), result_.get());
    transpose_out_(result_.get(), lanes_, to, rows, std::ptrdiff_t{block.outputs} * channels_);
  }

  const Step& step_;
  int channels_, lanes_ = 1;
  bool many_channels_;
  TransposeIn* transpose_in_ = nullptr;
  TransposeOut* transpose_out_ = nullptr;
  SumWindows* sum_windows_ = nullptr;
  std::shared_ptr<const WindowTable> windows_;
  std::vector<Block> blocks_;
  Memory tile_, wide_, result_;
};

struct ImageView {
  const char* first;
  std::ptrdiff_t samples;  // of a row
  Kind kind;

  char* at(int row, std::ptrdiff_t sample) const {
    return const_cast<char*>(first) + (row * samples + sample) * size_of(kind);
  }
};

// Sums rows down, one strip of them. Rows that must first be resized across or widened are held in a ring.
class VerticalPass {
 public:
  VerticalPass(const Step& step, const HorizontalPass* across, std::ptrdiff_t widest)
      : step_(step), across_(across), together_(across ? across->lanes() : 1) {
    slots_.resize(std::size_t{kMaxRun} * step.axis.taps());
    if (!across && !step.widen) return;
    groups_ = (step.axis.span() + together_ - 2) / together_ + 1;
    groups_ = std::min(groups_, (step.axis.n_in() + together_ - 1) / together_);
    ring_ = allocate(std::ptrdiff_t{groups_} * together_ * whole_lines(widest), step.sum_kind);
    if (across && step.widen) narrow_ = allocate(std::ptrdiff_t{together_} * whole_lines(widest), step.from);
  }

  // Starts with the outputs from `top` to `bottom` of a strip.
  void begin(const ImageView& image, const Strip& strip, int top, int bottom) {
    image_ = image;
    strip_ = strip;
    count_ = across_ ? strip.out_count : strip.in_count;
    step_.axis.reach(top, bottom - top, first_, last_);
    ring_rows_.assign(groups_, -1);
  }

  // Writes rows `step` samples apart.
  void run(int row, int outputs, char* to, std::ptrdiff_t step) {
    for (int done = 0; done < outputs;) {
      RowSums w = step_.row_sums(row + done, 1, count_);
      w.outputs = std::min<int>(w.run_length[0], outputs - done);
      w.to = to + done * step * size_of(step_.to);
      w.to_step = step;
      if (ring_) {
        w.from = ring_.get();
        w.step = whole_lines(count_);
        w.index = find(w);
      } else {
        w.from = image_.at(0, strip_.in);
        w.step = image_.samples;
      }
      step_.sum(w);
      done += w.outputs;
    }
  }

 private:
  // Makes sure that the rows of outputs with the same indices are in the ring, and returns their slots.
  const int* find(const RowSums& w) {
    const auto ends = std::minmax_element(w.index, w.index + w.taps);
    for (int group = (*ends.first - first_) / together_; group <= (*ends.second - first_) / together_; ++group)
      if (ring_rows_[group % groups_] != group) make(group);
    for (int t = 0; t < w.taps; ++t) slots_[t] = (w.index[t] - first_) % (groups_ * together_);
    for (int k = 1; k < w.outputs; ++k) std::copy_n(slots_.data(), w.taps, slots_.data() + std::ptrdiff_t{k} * w.taps);
    return slots_.data();
  }

  void make(int group) {
    ring_rows_[group % groups_] = group;
    const int row = first_ + group * together_, rows = std::min(together_, last_ + 1 - row);
    const std::ptrdiff_t apart = whole_lines(count_);
    char* const to = ring_.get() + std::ptrdiff_t{group % groups_} * together_ * apart * size_of(step_.sum_kind);
    if (!across_) {
      step_.widen(image_.at(row, strip_.in), to, count_);
      return;
    }
    const void* from[HorizontalPass::kMostLanes];
    void* result[HorizontalPass::kMostLanes];
    char* const first = step_.widen ? narrow_.get() : to;
    for (int r = 0; r < rows; ++r) {
      from[r] = image_.at(row + r, 0);
      result[r] = first + r * apart * size_of(step_.from);
    }
    across_->run(strip_, 0, from, strip_.out, result, rows);
    if (!step_.widen) return;
    for (int r = 0; r < rows; ++r)
      step_.widen(first + r * apart * size_of(step_.from), to + r * apart * size_of(step_.sum_kind), count_);
  }

  const Step& step_;
  const HorizontalPass* across_;
  int together_, groups_ = 0, first_ = 0, last_ = 0;
  std::ptrdiff_t count_ = 0;
  ImageView image_{};
  Strip strip_{};
  Memory ring_, narrow_;
  std::vector<int> ring_rows_, slots_;
};

// Everything that one thread needs to resize bands of output rows.
class BandWorker {
 public:
  // `most`: the rows that are resized across at a time.
  BandWorker(const ResizeShape& s, const Step* rows, const Step* columns, bool rows_first,
             const ResampleKernels& kernels, int most)
      : rows_first_(rows_first) {
    const std::ptrdiff_t width = std::ptrdiff_t{s.width} * s.channels;
    if (columns) across_ = std::make_unique<HorizontalPass>(*columns, kernels, s.channels, most, rows && !rows_first);
    // At this strip width the rows of a sum stay in the first-level cache.
    const std::ptrdiff_t fitting = !rows ? PTRDIFF_MAX : (20 << 10) / size_of(rows->sum_kind) / rows->axis.taps();
    const std::ptrdiff_t samples = std::max(kNarrowest, fitting);
    if (columns) {
      strips_ = across_->strips(samples, rows_first);
    } else {
      for (std::ptrdiff_t k = 0; k < width; k += samples) {
        const std::ptrdiff_t count = std::min(samples, width - k);
        strips_.push_back({k, count, k, count, 0, 0});
      }
    }
    if (!rows) return;
    std::ptrdiff_t widest = 0;
    const bool before = !columns || rows_first;
    for (const Strip& strip : strips_) widest = std::max(widest, before ? strip.in_count : strip.out_count);
    down_ = std::make_unique<VerticalPass>(*rows, before ? nullptr : across_.get(), widest);
    if (columns && rows_first) between_ = allocate(across_->lanes() * whole_lines(widest), rows->to);
    between_kind_ = rows->to;
  }

  void run(const ImageView& x, const ImageView& y, int top, int bottom) {
    for (const Strip& strip : strips_) {
      if (down_) down_->begin(x, strip, top, bottom);
      if (down_ && (!across_ || !rows_first_))
        down_->run(top, bottom - top, y.at(top, strip.out), y.samples);
      else
        run_across(x, y, strip, top, bottom);
    }
  }

 private:
  static constexpr std::ptrdiff_t kNarrowest = 384;

  void run_across(const ImageView& x, const ImageView& y, const Strip& strip, int top, int bottom) {
    const void* from[HorizontalPass::kMostLanes];
    void* to[HorizontalPass::kMostLanes];
    const ImageView between{between_.get(), whole_lines(strip.in_count), between_kind_};
    for (int row = top; row < bottom; row += across_->lanes()) {
      const int count = std::min(across_->lanes(), bottom - row);
      if (down_) down_->run(row, count, between_.get(), between.samples);
      for (int r = 0; r < count; ++r) {
        from[r] = down_ ? between.at(r, 0) : x.at(row + r, 0);
        to[r] = y.at(row + r, 0);
      }
      across_->run(strip, down_ ? strip.in : 0, from, 0, to, count);
    }
  }

  bool rows_first_;
  std::unique_ptr<HorizontalPass> across_;
  std::unique_ptr<VerticalPass> down_;
  std::vector<Strip> strips_;
  Memory between_;
  Kind between_kind_ = Kind::u8;
};

}  // namespace

int worthwhile_threads(std::ptrdiff_t bytes, int threads) {
  constexpr std::ptrdiff_t kEach = 128 << 10;  // starting a thread takes as long as resizing about ten of these KiB
  return static_cast<int>(std::min<std::ptrdiff_t>(threads, 1 + bytes / kEach));
}

bool can_resize(const ResizePass& pass) {
  const ResampleKernels& r = *find_target("scalar").resample;
  const Kind sum_kind = sum_kind_of(pass);
  // Floating-point sums have no fixed-point weights.
  if (pass.axis->sums() == Kind::i32 && (sum_kind == Kind::f32 || sum_kind == Kind::f64)) return false;
  if (sum_kind == Kind::i16 && (pass.axis->taps() != 2 || !pass.axis->short_weights())) return false;
  return sum_of(r, sum_kind, pass.to) && (sum_kind == pass.from || widen_of(r, pass.from, sum_kind));
}

void resize(const ResizeShape& s, const ResizePass* rows, const ResizePass* columns, bool rows_first, const void* x,
            void* y, int threads, const std::string& target) {
  const ResampleKernels& kernels = *find_target(target).resample;
  std::unique_ptr<Step> down, across;
  if (rows) down = std::make_unique<Step>(*rows, kernels);
  if (columns) across = std::make_unique<Step>(*columns, kernels);
  const Kind from = rows && (rows_first || !columns) ? rows->from : columns->from;
  const Kind to = columns && (rows_first || !rows) ? columns->to : rows->to;
  const int height = rows ? rows->axis->n_out() : s.height, width = columns ? columns->axis->n_out() : s.width;
  const std::ptrdiff_t in = std::ptrdiff_t{s.width} * s.channels, out = std::ptrdiff_t{width} * s.channels;
  threads = worthwhile_threads(s.outer * height * out * size_of(to), threads);
  // Two bands per thread: if one is delayed, others take its share. Neighbouring bands resize some rows twice.
  const std::ptrdiff_t wanted = threads == 1 ? 1 : (2 * threads + s.outer - 1) / s.outer;
  const int tall = std::max(std::min(height, kLaneStep), static_cast<int>((height + wanted - 1) / wanted));
  const std::ptrdiff_t bands = (height + tall - 1) / tall, tasks = s.outer * bands;
  parallel(tasks, threads, [&](const auto& next) {
    BandWorker worker(s, down.get(), across.get(), rows_first, kernels, rows && !rows_first ? s.height : tall);
    for (std::ptrdiff_t task = next(); task < tasks; task = next()) {
      const std::ptrdiff_t n = task / bands;
      const ImageView source{static_cast<const char*>(x) + n * s.height * in * size_of(from), in, from};
      const ImageView result{static_cast<const char*>(y) + n * height * out * size_of(to), out, to};
      const int top = static_cast<int>(task % bands) * tall;
      worker.run(source, result, top, std::min(top + tall, height));
    }
  });
}

}  // namespace subpixel
