// Runs a chain of convolutions row by row through rings of rows.
#include "subpixel/chain.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "flat_cells.hpp"
#include "plain_rows.hpp"
#include "row_scheduler.hpp"
#include "subpixel/dispatch.hpp"
#include "subpixel/parallel.hpp"
#include "subpixel/winograd.hpp"

namespace subpixel {
namespace {

// The bytes that the rows of all values of a strip may take: a common second-level cache. Narrower strips compute more
// columns twice, and the third level supplies rows in this order nearly as fast.
constexpr std::ptrdiff_t kStripBytes = 1024 * 1024;
// The columns of a strip are a multiple of this: of every target's column block, and wide enough to be worth a strip.
constexpr int kStripStep = 96;

constexpr std::ptrdiff_t kLineCells = sizeof(CacheLine) / sizeof(Cell);
std::ptrdiff_t whole_lines(std::ptrdiff_t cells) { return (cells + kLineCells - 1) / kLineCells; }

}  // namespace

// The rows of every value that are still needed, for columns left - reach … left + columns + reach.
struct ChainSession::Strip {
  // The newest rows of a value, from the value's leftmost column on. The `lead` rows before the newest are always
  // contiguous with it: when the ring starts again, its last rows are copied to before its first.
  struct Ring {
    std::vector<CacheLine> memory;
    int rows = 0, lead = 0, newest = 0;
    std::ptrdiff_t group_stride = 0, row_stride = 0;
    Cell* place(int k) { return cells_of(memory) + (lead + k) * row_stride; }
    Cell* at(int row) {
      const int k = newest % rows - (newest - row);
      return place(k < -lead ? k + rows : k);
    }
    Cell* next(int row) {
      newest = row;
      if (lead > 0 && row % rows == 0) std::copy_n(place(rows - lead), lead * row_stride, place(-lead));
      return place(row % rows);
    }
    // Allocates memory for all rows, unless there is enough.
    void hold() {
      const auto need = static_cast<std::size_t>(whole_lines(row_stride * (rows + lead) + kCellSlack));
      if (memory.size() < need) memory.resize(need);
    }
  };

  int height, width;   // of the input
  int left, columns;   // of this strip
  int top;             // the first row of the result
  int first_row;       // the first input row that is read; rings count rows from it
  int next_row;        // of the input
  int next_line;       // of the input, if rows are packed into cells
  std::vector<Ring> rings;  // value 0 is the input
  std::vector<Ring> transformed;  // of values that a Winograd convolution reads
  std::vector<float> samples;
  std::vector<Cell> lines;  // of the input, each sample alone: the rows of one cell, or one channel
  std::ptrdiff_t line_stride = 0;
  std::vector<CacheLine> last;
  std::ptrdiff_t last_stride = 0;
  std::vector<const Cell*> pointers;
  std::unique_ptr<RowSink> result;
  // If flat cells are not computed: the columns of every value that are, the input's first; and the plain resize.
  const FlatCells* cells = nullptr;
  std::vector<Spans> spans;
  std::vector<Span> all;
  PlainRows<std::int16_t> plain_integers;
  PlainRows<float> plain_floats;
};

// The columns of a layer's result that are computed.
int ChainSession::columns_of(const Strip& s, int layer) const { return s.columns + 2 * layers_[layer].reach_w; }

ChainSession::ChainSession(const ChainShape& shape, int threads, const std::string& target, int group, int pieces)
    : shape_(shape), threads_(threads), group_(group), pieces_(pieces), target_(find_target(target).name),
      image_kernels_(*find_target(target).image), permuter_(*find_target(target).permute),
      flat_kernels_(*find_target(target).flat) {}

ChainSession::KernelShape ChainSession::kernel_shape(int kernel_h) const {
  const int at_once = group_ / pieces_;
  if (layers_.empty() && shape_.channels == 1) return {ceil_div(kernel_h, at_once), at_once, 1, pieces_, true};
  if (layers_.empty()) return {kernel_h, 1, ceil_div(shape_.channels, at_once), pieces_, false};
  return {kernel_h, 1, ceil_div(layers_.back().channels, group_), 1, false};
}

void ChainSession::add_block(std::vector<Cell>& weight, const std::vector<Cell>& block, int channels, const Taps& taps,
                             const Packing* packing) {
  const std::size_t before = weight.size();
  weight.insert(weight.end(), block.begin(), block.end());
  if (packing == nullptr) return;
  weight.resize(before + static_cast<std::size_t>(channels) * packing->cells(taps));
  packing->pack(taps, channels, block.data(), weight.data() + before);
}

std::vector<CacheLine> ChainSession::to_cache_lines(const std::vector<Cell>& cells) {
  std::vector<CacheLine> lines(static_cast<std::size_t>(whole_lines(static_cast<std::ptrdiff_t>(cells.size()))));
  std::copy(cells.begin(), cells.end(), cells_of(lines));
  return lines;
}

void ChainSession::add_layer(int kernel_h, int kernel_w, int channels, int stored, int skip, InputLayout layout) {
  const KernelShape w = kernel_shape(kernel_h);
  for (Layer& earlier : layers_) {
    earlier.reach_h += kernel_h / 2;
    earlier.reach_w += kernel_w / 2;
  }
  reach_h_ += kernel_h / 2;
  reach_w_ += kernel_w / 2;
  layers_.push_back(
      {kernel_h, kernel_w, channels, stored, skip, layout, w, 0, 0, layout == InputLayout::winograd ? 1 : kernel_h});
  // The result of layer k is the input of layer k + 1. It is ahead of this layer's by the reach of the layers between.
  for (const Layer& later : layers_)
    if (later.skip >= 0) {
      Layer& reader = layers_[later.skip + 1];
      reader.rows_needed = std::max(reader.rows_needed, layers_[later.skip].reach_h - later.reach_h + 1);
    }
}

int ChainSession::phase(int channel, int i, int j) const {
  const int r = shape_.scale;
  return shape_.crd ? (channel * r + i) * r + j : (i * r + j) * shape_.channels + channel;
}

int ChainSession::strip_columns(int width) const {
  std::ptrdiff_t bytes = 0;  // of a column
  for (const Layer& layer : layers_) {
    bytes += std::ptrdiff_t{4} * (layer.rows_held() + layer.lead()) * layer.kernel_shape.groups;
    if (layer.layout == InputLayout::winograd)
      bytes += std::ptrdiff_t{4} * layer.kernel_h * layer.kernel_shape.groups * kWinogradParts / kWinogradColumns;
  }
  const int most = static_cast<int>(std::clamp<std::ptrdiff_t>(kStripBytes / bytes, 2 * kStripStep, 1 << 16));
  const int strips = ceil_div(width, most);
  return std::min(width, ceil_div(ceil_div(width, strips), kStripStep) * kStripStep);
}

void ChainSession::run_with(const ChainIo& io, int height, int width) const {
  if (layers_.empty()) throw std::logic_error("a session without layers");
  if (height < 1 || width < 1) return;
  const int columns = strip_columns(width);
  std::optional<FlatCells> cells;
  if (threshold_ >= 0) cells.emplace(io, height, width, threshold_, flat_kernels_, threads_);
  RowScheduler scheduler(ceil_div(width, columns), height, threads_);
  parallel(scheduler.max_threads(), threads_, [&](const auto&) {
    Strip s{};
    s.height = height;
    s.width = width;
    s.cells = cells ? &*cells : nullptr;
    RowScheduler::Share share;
    while (scheduler.take(share)) {
      if (share.fresh) {
        s.left = share.strip * columns;
        s.columns = std::min(columns, width - s.left);
        begin(s, io, share.first);
      }
      advance(s, io, share.last);
    }
  });
}

// Prepares a strip whose result begins at this row.
void ChainSession::begin(Strip& s, const ChainIo& io, int row) const {
  const int count = layers();
  const std::ptrdiff_t wide = whole_lines(s.columns + 2 * std::ptrdiff_t{reach_w_} + 2 * kCellSlack) * kLineCells;
  s.top = row;
  s.first_row = s.next_row = s.next_line = row - reach_h_;
  s.rings.resize(static_cast<std::size_t>(count));
  s.transformed.resize(static_cast<std::size_t>(count));
  for (int k = 0; k < count; ++k) {
    Strip::Ring& ring = s.rings[k];
    ring.rows = layers_[k].rows_held();
    ring.lead = layers_[k].lead();
    // At a distance of whole pages all groups would compete for the same few slots of a cache.
    ring.group_stride = wide + (wide % 1024 == 0 ? kLineCells : 0);
    ring.row_stride =
        ring.group_stride * (k == 0 ? layers_[k].kernel_shape.groups : ceil_div(layers_[k - 1].stored, group_));
    ring.hold();
    if (layers_[k].layout != InputLayout::winograd) continue;
    Strip::Ring& to = s.transformed[k];
    to.rows = layers_[k].kernel_h;
    // One step more: a span may begin between two steps.
    to.group_stride = kWinogradParts * ((ceil_div(winograd_tiles(columns_of(s, k)), kWinogradStep) + 1) * kWinogradStep);
    to.row_stride = to.group_stride * layers_[k].kernel_shape.groups;
    to.hold();
  }
  s.samples.resize(static_cast<std::size_t>(wide));
  s.line_stride = wide;
  s.lines.assign(static_cast<std::size_t>(group_ * s.line_stride), 0);
  s.last_stride = wide;
  s.last.resize(static_cast<std::size_t>(whole_lines(layers_.back().stored * s.last_stride)));
  s.result = io.sink(s.left, s.columns);
  s.spans.resize(static_cast<std::size_t>(count + 1));
  for (Spans& spans : s.spans) spans.forget();
  if (s.cells == nullptr) return;
  // Some more rows are kept than lie between the newest of the input and the oldest that the resize reads.
  const int kept = reach_h_ + group_ + kPlainReach + 1;
  if (integers()) s.plain_integers.begin(s.left, s.columns, kept);
  else s.plain_floats.begin(s.left, s.columns, kept);
}

// The columns of a row of a layer's result that are computed, counted from its first one; layer -1 is the input.
const std::vector<Span>& ChainSession::spans_of(Strip& s, int layer, int row) const {
  const int reach_h = layer < 0 ? reach_h_ : layers_[layer].reach_h;
  const int reach_w = layer < 0 ? reach_w_ : layers_[layer].reach_w;
  if (s.cells == nullptr || !s.cells->worth_spans()) {
    s.all.assign(1, {0, s.columns + 2 * reach_w});
    return s.all;
  }
  return s.spans[layer + 1].of(*s.cells, row, s.height, s.left, s.columns, reach_h, reach_w, gap());
}

// Computes one row of every value in turn, each as far ahead of the result as the later layers reach, until the
// result's row `until`.
void ChainSession::advance(Strip& s, const ChainIo& io, int until) const {
  for (; s.next_row < until + reach_h_; ++s.next_row) {
    load_row(s, io, s.next_row);
    transform_row(s, 0, s.next_row);
    int behind = 0;
    for (int k = 0; k < layers(); ++k) {
      behind += layers_[k].kernel_h / 2;
      const int layer_row = s.next_row - behind;
      if (layer_row < s.top - layers_[k].reach_h) break;
      conv_row(s, k, layer_row);
    }
    const int row = s.next_row - reach_h_;
    if (row >= s.top && s.cells != nullptr) write_plain(s, row);
    if (row >= s.top) s.result->write(row, {s.last.data(), s.last_stride});
  }
}

// Loads one row of the input, each sample alone in a cell, a line for each piece. Outside the image its edge is
// repeated, or there are zeros.
void ChainSession::load_line(Strip& s, const ChainIo& io, int channel, int row, Cell* to) const {
  const int reach = reach_w_, wide = s.columns + 2 * reach, inside = std::clamp(row, 0, s.height - 1);
  if (shape_.zero_border && inside != row) {
    for (int p = 0; p < pieces_; ++p) std::fill_n(to + p * s.line_stride, wide, Cell{0});
    return;
  }
  const int first = std::max(0, reach - s.left), last = std::min(wide, s.width - s.left + reach);
  float* const line = s.samples.data();
  io.fetch(channel, inside, s.left - reach + first, last - first, line + first);
  if (s.cells != nullptr && inside == row) keep_plain_row(s, row, first, last);
  std::fill(line, line + first, shape_.zero_border ? 0.0f : line[first]);
  std::fill(line + last, line + wide, shape_.zero_border ? 0.0f : line[last - 1]);
  for (const Span& span : spans_of(s, -1, row))
    for (int p = 0; p < pieces_; ++p)
      encode(line + span.first, span.last - span.first, p, to + p * s.line_stride + span.first);
}

// Keeps a row of the input for the plain resize. first … last: the columns inside the image, counted from left - reach.
void ChainSession::keep_plain_row(Strip& s, int row, int first, int last) const {
  const int skipped = reach_w_ - kPlainReach;
  const int begin = std::max(0, first - skipped);
  const int end = std::min(s.columns + 2 * kPlainReach, last - skipped);
  const float* from = s.samples.data() + skipped + begin;
  if (integers()) {
    flat_kernels_.halves(from, end - begin, s.plain_integers.row(row) + begin);
    s.plain_integers.repeat_edges(row, begin, end);
  } else {
    std::copy_n(from, end - begin, s.plain_floats.row(row) + begin);
    s.plain_floats.repeat_edges(row, begin, end);
  }
}

// Writes the plain resize of a row's flat cells in place of the last layer's result.
void ChainSession::write_plain(Strip& s, int row) const {
  const std::uint8_t* const busy = s.cells->row(row / kCell);
  const int from = s.left / kCell, until = ceil_div(s.left + s.columns, kCell);
  const FlatKernels& kernels = flat_kernels_;
  const auto place = [&](auto* values) {
    return [this, &s, values](int i, int j) { return values + phase(0, i, j) * s.last_stride; };
  };
  for (int k = from, end; k < until; k = end) {
    end = k + 1;
    if (busy[k]) continue;
    while (end < until && !busy[end]) ++end;
    const Span span{(k - from) * kCell, std::min((end - from) * kCell, s.columns)};
    if (integers())
      s.plain_integers.write(row, s.height, span, shape_.scale, taps_.integer.data(), shape_.base, kernels.down_s16,
                             kernels.across_s16, place(reinterpret_cast<std::int16_t*>(s.last.data())));
    else
      s.plain_floats.write(row, s.height, span, shape_.scale, taps_.real.data(), shape_.base, kernels.down_f32,
                           kernels.across_f32, place(reinterpret_cast<float*>(s.last.data())));
  }
}

// Packs one row of the input into cells.
void ChainSession::load_row(Strip& s, const ChainIo& io, int row) const {
  const int shift = 32 / group_;
  Strip::Ring& ring = s.rings[0];
  Cell* cells = ring.next(row - s.first_row);
  const auto line = [&](int k) { return s.lines.data() + k * s.line_stride; };
  // Combines the lowest bits of each line.
  const auto pack_lines = [&](Cell* to, const auto& part) {
    for (const Span& span : spans_of(s, -1, row)) {
      std::copy(part(0) + span.first, part(0) + span.last, to + span.first);
      for (int k = 1; k < group_; ++k) {
        const Cell* from = part(k);
        for (int x = span.first; x < span.last; ++x) to[x] |= from[x] << (k * shift);
      }
    }
  };
  const int at_once = group_ / pieces_;  // samples in a cell
  if (layers_[0].kernel_shape.vertical && group_ > 1) {
    const auto lines_of = [&](int row) { return (row - s.first_row) % at_once * pieces_; };
    const auto part = [&](int k) { return line(lines_of(row + k / pieces_) + k % pieces_); };
    for (; s.next_line < row + at_once; ++s.next_line) load_line(s, io, 0, s.next_line, line(lines_of(s.next_line)));
    return pack_lines(cells, part);
  }
  for (int g = 0; g < layers_[0].kernel_shape.groups; ++g, cells += ring.group_stride) {
    if (group_ == 1) {
      load_line(s, io, g, row, cells);
      continue;
    }
    for (int k = 0; k < at_once; ++k) {
      const int channel = g * at_once + k;
      if (channel < shape_.channels) load_line(s, io, channel, row, line(k * pieces_));
      else std::fill(line(k * pieces_), line((k + 1) * pieces_), Cell{0});
    }
    pack_lines(cells, line);
  }
}

void ChainSession::conv_row(Strip& s, int layer, int row) const {
  const Layer& l = layers_[layer];
  const bool winograd = l.layout == InputLayout::winograd, last = layer + 1 == layers();
  Strip::Ring& from = winograd ? s.transformed[layer] : s.rings[layer];
  RowConv a{};
  s.pointers.resize(static_cast<std::size_t>(l.kernel_shape.rows));
  const int first = row - s.first_row - l.kernel_h / 2;
  a.rows = s.pointers.data();
  a.kernel_rows = l.kernel_shape.rows;
  a.groups = l.kernel_shape.groups;
  a.kernel_columns = l.kernel_w;
  a.group_stride = from.group_stride;
  Cell* const out = last ? nullptr : s.rings[layer + 1].next(row - s.first_row);
  for (const Span& span : spans_of(s, layer, row)) {
    // A tile of Winograd's stands for kWinogradColumns columns, of which spans begin at a multiple.
    const int start = winograd ? span.first / kWinogradColumns : span.first;
    for (int r = 0; r < l.kernel_shape.rows; ++r)
      s.pointers[r] = from.at(first + r * l.kernel_shape.row_step) + start;
    a.columns = span.last - span.first;
    if (last) {
      const std::ptrdiff_t bytes = integers() ? sizeof(std::int16_t) : sizeof(float);
      a.last = reinterpret_cast<unsigned char*>(s.last.data()) + span.first * bytes;
      a.last_stride = s.last_stride;
      conv(a, layer);
      continue;
    }
    if (l.skip >= 0) {
      Strip::Ring& earlier = s.rings[l.skip + 1];
      a.skip = earlier.at(row - s.first_row) + layers_[l.skip].reach_w - l.reach_w + span.first;
      a.skip_stride = earlier.group_stride;
    }
    a.out = out + span.first;
    a.out_stride = s.rings[layer + 1].group_stride;
    conv(a, layer);
  }
  if (last) return;
  if (shape_.zero_border) zero_outside(s, layer, row);
  transform_row(s, layer + 1, row);
}

// Transforms the newest row of a layer's input.
void ChainSession::transform_row(Strip& s, int layer, int row) const {
  const Layer& l = layers_[layer];
  if (l.layout != InputLayout::winograd) return;
  Strip::Ring &from = s.rings[layer], &to = s.transformed[layer];
  const Cell* const cells = from.at(row - s.first_row);
  Cell* const parts = to.next(row - s.first_row);
  for (const Span& span : spans_of(s, layer - 1, row)) {
    // The tiles of the layer that begin in the span; the row has two columns more than the layer's result.
    const int first = span.first / kWinogradColumns;
    const int last = std::min(winograd_tiles(span.last), winograd_tiles(columns_of(s, layer)));
    if (first < last)
      transform(cells + span.first, from.group_stride, l.kernel_shape.groups, last - first, parts + first,
                to.group_stride);
  }
}

// Sets samples outside the image to zero for the next layer, if each layer pads with zeros.
void ChainSession::zero_outside(Strip& s, int layer, int row) const {
  const Layer& l = layers_[layer];
  Strip::Ring& ring = s.rings[layer + 1];
  const Cell nothing = zero(layer);
  const int wide = s.columns + 2 * l.reach_w, image = l.reach_w - s.left;  // the image's column 0
  const bool inside = row >= 0 && row < s.height;
  const int from = inside ? std::clamp(image, 0, wide) : wide;
  const int until = inside ? std::clamp(image + s.width, 0, wide) : wide;
  for (int g = 0; g < layers_[layer + 1].kernel_shape.groups; ++g) {
    Cell* cells = ring.at(row - s.first_row) + g * ring.group_stride;
    std::fill(cells, cells + from, nothing);
    std::fill(cells + until, cells + wide, nothing);
  }
}

}  // namespace subpixel
