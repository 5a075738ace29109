// Measures both forms of an int8 convolution on rows of zeros: the time does not depend on the numbers.
#include "conv_form.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include "subpixel/chain.hpp"
#include "subpixel/winograd.hpp"

namespace subpixel {
namespace {

using Clock = std::chrono::steady_clock;

// A network of some layers, in strips: rows and weights leave the first-level cache before they are needed again. Where
// they stay, Winograd's form looks better than it is, for its weights and rows are larger.
constexpr int kLayers = 6, kColumns = 192;
// Both forms take turns until they had both of these, after a turn for each layer that does not count.
constexpr int kLeastTurns = 2 * kLayers;
constexpr std::chrono::microseconds kLeastTime{600};
// A larger layer has the form of the largest that is measured: in both forms the time grows with each of these alike.
constexpr ConvFormShape kLargest = {5, 32, 64, false};

std::vector<CacheLine> zeros(std::ptrdiff_t cells) {
  constexpr std::ptrdiff_t in_line = sizeof(CacheLine) / sizeof(Cell);
  return std::vector<CacheLine>(static_cast<std::size_t>((cells + in_line - 1) / in_line));
}

class Trial {
 public:
  Trial(const Int8ChainKernels& kernels, const ConvFormShape& shape) : kernels_(kernels), shape_(shape) {
    while (channels_ < shape.channels) channels_ += kernels.block(shape.channels - channels_);
    const std::ptrdiff_t rows = shape.kernel_rows, groups = rows * shape.groups;
    const Layer layer{zeros(groups * kWide), zeros(groups * kTiles), zeros(channels_ * kWide / 2),
                      zeros(kWinogradParts * groups * channels_)};  // direct weights are fewer
    layers_.assign(kLayers, layer);
    numbers_.resize(static_cast<std::size_t>(channels_));
    factors_.resize(static_cast<std::size_t>(channels_) * 4);
    rows_.resize(static_cast<std::size_t>(shape.kernel_rows));
  }

  // A turn makes one row of one layer.
  Clock::duration time(bool winograd, int turn) {
    Layer& layer = layers_[turn % kLayers];
    const std::ptrdiff_t stride = winograd ? kTiles : kWide, row = shape_.groups * stride;
    const int newest = turn / kLayers % shape_.kernel_rows;
    Cell* const from = cells_of(winograd ? layer.transformed : layer.input);
    for (int r = 0; r < shape_.kernel_rows; ++r) rows_[r] = from + (newest + 1 + r) % shape_.kernel_rows * row;
    RowConvInt a{};
    a.rows = rows_.data();
    a.kernel_rows = shape_.kernel_rows;
    a.groups = shape_.groups;
    a.kernel_columns = 3;
    a.group_stride = stride;
    a.columns = kColumns;
    a.out = cells_of(layer.output);
    a.last = shape_.last ? layer.output.data() : nullptr;
    a.out_stride = a.last_stride = kWide;
    a.weight = cells_of(layer.weight);
    a.channels = channels_;
    a.epilogue = {numbers_.data(), numbers_.data(), factors_.data(), factors_.data(), Activation::relu, 0};
    const auto start = Clock::now();
    if (winograd)
      kernels_.winograd.transform(cells_of(layer.input) + newest * shape_.groups * kWide, kWide,
                                  shape_.groups, winograd_tiles(kColumns), from + newest * row, kTiles);
    (winograd ? kernels_.winograd.conv : kernels_.conv)(a);
    return Clock::now() - start;
  }

 private:
  // Cells of a group's row, and of the parts of its tiles.
  static constexpr std::ptrdiff_t kWide = kColumns + 2 * kCellSlack;
  static constexpr std::ptrdiff_t kTiles =
      ((kColumns / kWinogradColumns + kWinogradStep - 1) / kWinogradStep + 1) * kWinogradStep * kWinogradParts;

  struct Layer {
    std::vector<CacheLine> input, transformed, output, weight;
  };

  const Int8ChainKernels& kernels_;
  const ConvFormShape shape_;
  int channels_ = 0;  // in whole blocks
  std::vector<Layer> layers_;
  std::vector<std::int32_t> numbers_;
  std::vector<std::int16_t> factors_;
  std::vector<const Cell*> rows_;
};

bool measure(const Int8ChainKernels& kernels, const ConvFormShape& shape) {
  Trial trial(kernels, shape);
  Clock::duration least[2] = {Clock::duration::max(), Clock::duration::max()};
  const auto start = Clock::now();
  for (int turn = 0; turn < kLayers + kLeastTurns || Clock::now() - start < kLeastTime; ++turn)
    for (bool winograd : {false, true}) {
      const Clock::duration took = trial.time(winograd, turn);
      if (turn >= kLayers) least[winograd] = std::min(least[winograd], took);
    }
  return least[true] < least[false];
}

}  // namespace

bool winograd_takes_less_time(const Int8ChainKernels& kernels, const ConvFormShape& shape) {
  using Key = std::tuple<const Int8ChainKernels*, int, int, int, bool>;
  static std::mutex mutex;
  static std::map<Key, bool> known;
  const std::lock_guard<std::mutex> lock(mutex);
  const ConvFormShape measured = {std::min(shape.kernel_rows, kLargest.kernel_rows),
                                  std::min(shape.groups, kLargest.groups),
                                  std::min(shape.channels, kLargest.channels), shape.last};
  const Key key{&kernels, measured.kernel_rows, measured.groups, measured.channels, measured.last};
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  return known.emplace(key, measure(kernels, measured)).first->second;
}

}  // namespace subpixel
