// Pixel shuffle and its inverse: divides the rows among threads.
#include "subpixel/permute.hpp"

#include <algorithm>
#include <vector>

#include "subpixel/dispatch.hpp"
#include "subpixel/parallel.hpp"
#include "subpixel/pattern.hpp"

namespace subpixel {
namespace {

using Byte = unsigned char;

// Larger results are written past the caches: a common processor's share of the last level.
constexpr std::ptrdiff_t kStreamBytes = 24 << 20;

// The bytes that a thread takes at a time, so that the shared counter and the position are found once for all of them.
constexpr std::ptrdiff_t kTaken = 16 << 10;

int channel(const Shuffle& s, int c, int i, int j) {
  const int channels = static_cast<int>(s.c);
  return s.crd ? (c * s.rh + i) * s.rw + j : (i * s.rw + j) * channels + c;
}

// One pattern for each kind of row in a shuffle.
std::vector<Pattern> patterns(const Shuffle& s) {
  std::vector<Pattern> list;
  const int channels = static_cast<int>(s.c);
  if (!s.channels_last) {
    if (!s.inverse) {
      Pattern p{s.rw, 1, s.rw, {}, {}};
      for (int j = 0; j < s.rw; ++j) {
        p.stream.push_back(j);
        p.offset.push_back(0);
      }
      list.push_back(p);
    } else {
      for (int j = 0; j < s.rw; ++j) list.push_back({1, s.rw, 1, {0}, {j}});
    }
    return list;
  }
  if (!s.inverse) {
    for (int i = 0; i < s.rh; ++i) {
      Pattern p{1, channels * s.rh * s.rw, channels * s.rw, {}, {}};
      for (int j = 0; j < s.rw; ++j)
        for (int c = 0; c < channels; ++c) {
          p.stream.push_back(0);
          p.offset.push_back(channel(s, c, i, j));
        }
      list.push_back(p);
    }
    return list;
  }
  const int all = channels * s.rh * s.rw;
  Pattern p{s.rh, channels * s.rw, all, std::vector<int>(all), std::vector<int>(all)};
  for (int c = 0; c < channels; ++c)
    for (int i = 0; i < s.rh; ++i)
      for (int j = 0; j < s.rw; ++j) {
        p.stream[channel(s, c, i, j)] = i;
        p.offset[channel(s, c, i, j)] = j * channels + c;
      }
  list.push_back(p);
  return list;
}

}  // namespace

void shuffle(const Shuffle& s, const Byte* from, Byte* to, int threads, const std::string& target) {
  const PermuteKernels& permuter = *find_target(target).permute;
  const std::ptrdiff_t bytes = s.n * s.c * s.h * s.w * s.rh * s.rw * s.item;
  if (bytes == 0) return;
  std::vector<PatternPlan> plans;
  for (const Pattern& p : patterns(s)) plans.emplace_back(p, s.item, permuter);
  const bool past_caches = bytes > kStreamBytes && permuter.stream != nullptr;
  const std::ptrdiff_t small = s.w * s.item, large = small * s.rw, pixels = s.c * s.rh * s.rw;
  const Byte* const end = from + bytes;

  // One number stands for one row of the small image: of plane c, or with channels last of all channels.
  const std::ptrdiff_t count = s.n * s.h * (s.channels_last ? 1 : s.c);
  const std::ptrdiff_t together = std::max<std::ptrdiff_t>(1, kTaken / (bytes / count));
  const std::ptrdiff_t tasks = (count + together - 1) / together;
  parallel(tasks, threads, [&](const auto& next) {
    std::vector<const Byte*> streams(static_cast<std::size_t>(std::max(s.rh, s.rw)));
    std::vector<Byte> scratch;
    const auto make = [&](const PatternPlan& plan, Byte* row, std::ptrdiff_t size) {
      if (!past_caches) return plan.row(streams.data(), s.w, row, end);
      scratch.resize(static_cast<std::size_t>(size));
      plan.row(streams.data(), s.w, scratch.data(), end);
      permuter.stream(row, scratch.data(), static_cast<std::size_t>(size));
    };
    const auto pixels_row = [&](std::ptrdiff_t k) {
      const std::ptrdiff_t low = k * pixels * small, high = k * s.rh;
      if (!s.inverse) {
        streams[0] = from + low;
        for (int i = 0; i < s.rh; ++i) make(plans[i], to + (high + i) * s.c * large, s.c * large);
      } else {
        for (int i = 0; i < s.rh; ++i) streams[i] = from + (high + i) * s.c * large;
        make(plans[0], to + low, pixels * small);
      }
    };
    const auto planes_row = [&](std::ptrdiff_t k, std::ptrdiff_t n, int c, std::ptrdiff_t h) {
      for (int i = 0; i < s.rh; ++i) {
        const std::ptrdiff_t high = (k * s.rh + i) * large;
        const auto low = [&](int j) { return ((n * pixels + channel(s, c, i, j)) * s.h + h) * small; };
        if (!s.inverse) {
          for (int j = 0; j < s.rw; ++j) streams[j] = from + low(j);
          make(plans[0], to + high, large);
        } else {
          streams[0] = from + high;
          for (int j = 0; j < s.rw; ++j) make(plans[j], to + low(j), small);
        }
      }
    };
    for (std::ptrdiff_t task = next(); task < tasks; task = next()) {
      std::ptrdiff_t k = task * together;
      const std::ptrdiff_t stop = std::min(k + together, count);
      if (s.channels_last) {
        for (; k < stop; ++k) pixels_row(k);
        continue;
      }
      std::ptrdiff_t h = k % s.h, n = k / s.h / s.c;
      for (int c = static_cast<int>(k / s.h % s.c); k < stop; ++k) {
        planes_row(k, n, c, h);
        if (++h < s.h) continue;
        h = 0;
        if (++c == s.c) c = 0, ++n;
      }
    }
  });
}

}  // namespace subpixel
