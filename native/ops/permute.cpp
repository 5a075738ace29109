#include "subpixel/permute.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "subpixel/dispatch.hpp"
#include "subpixel/parallel.hpp"

namespace subpixel {
namespace {

using Byte = unsigned char;

// Results larger than this go past the caches: a last-level cache share of a common processor.
constexpr std::ptrdiff_t kStreamBytes = 24 << 20;

// How a row is made of streams: element u of each unit of `out` elements is element offset[u] of the unit of `in`
// elements of stream[u].
struct Pattern {
  int streams, in, out;
  std::vector<int> stream, offset;
};

struct Run {
  int stream, from, to, bytes;
};

// A pattern with what a target needs to apply it, made once and used for every row.
class Plan {
 public:
  Plan(const Pattern& pattern, int item, const Permuter& permuter)
      : item_(item), in_(pattern.in * item), out_(pattern.out * item), permuter_(permuter) {
    for (int u = 0; u < pattern.out; ++u) {
      const int s = pattern.stream[u], o = pattern.offset[u] * item;
      if (!runs_.empty() && runs_.back().stream == s && runs_.back().from + runs_.back().bytes == o)
        runs_.back().bytes += item;
      else
        runs_.push_back({s, o, u * item, item});
    }
    const bool long_runs = std::all_of(runs_.begin(), runs_.end(), [](const Run& r) { return r.bytes >= 64; });
    if (permuter.width == 0 || long_runs) return;
    for (units_ = permuter.width / out_; units_ > 0 && !tabulate(pattern); --units_) {
    }
  }

  // `units` units from the streams to `out`; loads may reach up to `end`.
  void row(const Byte* const* streams, std::ptrdiff_t units, Byte* out, const Byte* end) const {
    std::ptrdiff_t done = 0;
    if (units_ > 0) {
      PermuteRounds p{};
      p.sources = static_cast<int>(loads_.size());
      p.source_step = static_cast<std::ptrdiff_t>(units_) * in_;
      p.out_step = static_cast<std::ptrdiff_t>(units_) * out_;
      p.table = table_.data();
      p.out = out;
      // Whole vectors only: the last must end within the row, and within what may be read.
      p.rounds = std::max<std::ptrdiff_t>(0, (units * out_ - permuter_.width) / p.out_step + 1);
      if (units * out_ < permuter_.width) p.rounds = 0;
      for (int k = 0; k < p.sources; ++k) {
        p.source[k] = streams[loads_[k].stream] + loads_[k].at;
        const std::ptrdiff_t room = end - p.source[k] - permuter_.width;
        p.rounds = room < 0 ? 0 : std::min(p.rounds, room / p.source_step + 1);
      }
      if (p.rounds > 0) permuter_.run(p);
      done = p.rounds * units_;
    }
    switch (item_) {
      case 1: return one_by_one<std::uint8_t>(streams, done, units, out);
      case 2: return one_by_one<std::uint16_t>(streams, done, units, out);
      case 4: return one_by_one<std::uint32_t>(streams, done, units, out);
      default: return one_by_one<std::uint64_t>(streams, done, units, out);
    }
  }

 private:
  struct Load {
    int stream, at;
  };

  // The tables for `units_` units a round; false if they need more sources than a round has.
  bool tabulate(const Pattern& pattern) {
    const int width = permuter_.width;
    loads_.clear();
    table_.clear();
    for (int s = 0; s < pattern.streams; ++s)
      for (int at = 0; at < units_ * in_; at += width) {
        std::vector<Byte> table(static_cast<std::size_t>(width), 128);
        bool used = false;
        for (int n = 0; n < units_; ++n)
          for (int u = 0; u < pattern.out; ++u)
            for (int b = 0; b < item_; ++b) {
              const int from = n * in_ + pattern.offset[u] * item_ + b - at;
              if (pattern.stream[u] != s || from < 0 || from >= width) continue;
              table[static_cast<std::size_t>(n * out_ + u * item_ + b)] = static_cast<Byte>(from);
              used = true;
            }
        if (!used) continue;
        if (static_cast<int>(loads_.size()) == kPermuteSources) return false;
        loads_.push_back({s, at});
        table_.insert(table_.end(), table.begin(), table.end());
      }
    return true;
  }

  template <class Item>
  void one_by_one(const Byte* const* streams, std::ptrdiff_t first, std::ptrdiff_t last, Byte* out) const {
    for (const Run& r : runs_) {
      const Byte* from = streams[r.stream] + first * in_ + r.from;
      Byte* to = out + first * out_ + r.to;
      if (r.bytes == static_cast<int>(sizeof(Item)))
        for (std::ptrdiff_t n = first; n < last; ++n, from += in_, to += out_) std::memcpy(to, from, sizeof(Item));
      else
        for (std::ptrdiff_t n = first; n < last; ++n, from += in_, to += out_)
          std::memcpy(to, from, static_cast<std::size_t>(r.bytes));
    }
  }

  int item_, in_, out_;
  const Permuter& permuter_;
  std::vector<Run> runs_;
  int units_ = 0;  // a round; 0 to move runs one by one
  std::vector<Load> loads_;
  std::vector<Byte> table_;
};

int channel(const Shuffle& s, int c, int i, int j) {
  const int channels = static_cast<int>(s.c);
  return s.crd ? (c * s.rh + i) * s.rw + j : (i * s.rw + j) * channels + c;
}

// One pattern for each kind of row that a shuffle makes.
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
  const Permuter& permuter = permuter_of(target);
  const std::ptrdiff_t bytes = s.n * s.c * s.h * s.w * s.rh * s.rw * s.item;
  if (bytes == 0) return;
  std::vector<Plan> plans;
  for (const Pattern& p : patterns(s)) plans.emplace_back(p, s.item, permuter);
  const bool past_caches = bytes > kStreamBytes && permuter.stream != nullptr;
  const std::ptrdiff_t small = s.w * s.item, large = small * s.rw, pixels = s.c * s.rh * s.rw;
  const Byte* const end = from + bytes;

  // One number is one row of the small picture: of a plane c, or with channels last of all channels.
  const std::ptrdiff_t count = s.n * s.h * (s.channels_last ? 1 : s.c);
  parallel(count, threads, [&](const auto& next) {
    std::vector<const Byte*> streams(static_cast<std::size_t>(std::max(s.rh, s.rw)));
    std::vector<Byte> scratch;
    const auto make = [&](const Plan& plan, Byte* row, std::ptrdiff_t size) {
      if (!past_caches) return plan.row(streams.data(), s.w, row, end);
      scratch.resize(static_cast<std::size_t>(size));
      plan.row(streams.data(), s.w, scratch.data(), end);
      permuter.stream(row, scratch.data(), static_cast<std::size_t>(size));
    };
    for (std::ptrdiff_t k = next(); k < count; k = next()) {
      const std::ptrdiff_t h = k % s.h;
      if (s.channels_last) {
        const std::ptrdiff_t n = k / s.h, low = (n * s.h + h) * pixels * small, high = (n * s.h + h) * s.rh;
        if (!s.inverse) {
          streams[0] = from + low;
          for (int i = 0; i < s.rh; ++i) make(plans[i], to + (high + i) * s.c * large, s.c * large);
        } else {
          for (int i = 0; i < s.rh; ++i) streams[i] = from + (high + i) * s.c * large;
          make(plans[0], to + low, pixels * small);
        }
        continue;
      }
      const std::ptrdiff_t plane = k / s.h, n = plane / s.c;
      const int c = static_cast<int>(plane % s.c);
      for (int i = 0; i < s.rh; ++i) {
        const std::ptrdiff_t high = ((plane * s.h + h) * s.rh + i) * large;
        const auto low = [&](int j) { return ((n * pixels + channel(s, c, i, j)) * s.h + h) * small; };
        if (!s.inverse) {
          for (int j = 0; j < s.rw; ++j) streams[j] = from + low(j);
          make(plans[0], to + high, large);
        } else {
          streams[0] = from + high;
          for (int j = 0; j < s.rw; ++j) make(plans[j], to + low(j), small);
        }
      }
    }
  });
}

}  // namespace subpixel
