// Builds the tables of repeating patterns and applies them to rows.
#include "subpixel/pattern.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace subpixel {

using Byte = unsigned char;

namespace {

// A 64-bit division takes as long as about ten rounds; most rows need none.
std::ptrdiff_t quotient(std::ptrdiff_t a, std::ptrdiff_t b) {
  if ((a | b) >> 32 == 0) return static_cast<std::uint32_t>(a) / static_cast<std::uint32_t>(b);
  return a / b;
}

}  // namespace

Pattern interleave_pattern(int streams) {
  Pattern p{streams, 1, streams, {}, {}};
  for (int k = 0; k < streams; ++k) {
    p.stream.push_back(k);
    p.offset.push_back(0);
  }
  return p;
}

PatternPlan::PatternPlan(const Pattern& pattern, int item, const PermuteKernels& permuter)
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
  for (units_ = permuter.width / out_; units_ > 0 && !(permuter.lanes ? tabulate_lanes(pattern) : tabulate(pattern));
       --units_) {
  }
}

// Builds the tables for `units_` units a round. Returns false if they need more sources than a round has.
bool PatternPlan::tabulate(const Pattern& pattern) {
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
void PatternPlan::one_by_one(const Byte* const* streams, std::ptrdiff_t first, std::ptrdiff_t last, Byte* out) const {
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

// Like tabulate, for permuters by lanes. A lane of the result can have 4 words of a source; if it needs more, the
// source is repeated.
bool PatternPlan::tabulate_lanes(const Pattern& pattern) {
  const int width = permuter_.width, bytes = units_ * in_;
  loads_.clear();
  table_.clear();
  words_.clear();
  for (int s = 0; s < pattern.streams; ++s)
    for (int at = 0; at < bytes; at += width) {
      const std::size_t first = loads_.size();
      const auto entry = [&](std::size_t k) {
        for (; loads_.size() <= k; loads_.push_back({s, at})) {
          table_.insert(table_.end(), static_cast<std::size_t>(width), 128);
          words_.insert(words_.end(), static_cast<std::size_t>(width / 4), -1);
        }
        return k;
      };
      for (int n = 0; n < units_; ++n)
        for (int u = 0; u < pattern.out; ++u) {
          if (pattern.stream[u] != s) continue;
          for (int b = 0; b < item_; ++b) {
            const int from = n * in_ + pattern.offset[u] * item_ + b - at, to = n * out_ + u * item_ + b;
            if (from < 0 || from >= width) continue;
            // The first slot of the lane that holds this word or nothing; a word of the result has its own slot.
            const bool whole = item_ % 4 == 0;
            int place = whole ? to % 16 / 4 : 0;
            const auto word = [&]() -> int& {
              return words_[entry(first + place / 4) * (width / 4) + to / 16 * 4 + place % 4];
            };
            while (!whole && word() != -1 && word() != from / 4) ++place;
            word() = from / 4;
            table_[(first + place / 4) * width + to] = static_cast<Byte>(place % 4 * 4 + from % 4);
          }
        }
      if (loads_.size() > static_cast<std::size_t>(kPermuteSources)) return false;
    }
  for (int& word : words_) word = std::max(word, 0);
  return true;
}

// Runs rounds from unit `first` on, as many as fit in `units`. Returns the number of units written.
std::ptrdiff_t PatternPlan::rounds(const Byte* const* streams, std::ptrdiff_t first, std::ptrdiff_t units, Byte* out,
                            const Byte* end) const {
  PermuteRounds p;
  p.sources = static_cast<int>(loads_.size());
  p.source_step = static_cast<std::ptrdiff_t>(units_) * in_;
  p.out_step = static_cast<std::ptrdiff_t>(units_) * out_;
  p.table = table_.data();
  p.words = words_.data();
  p.whole_words = item_ % 4 == 0;
  p.out = out + first * out_;
  // The last vector that is read must end before `end`. If whole vectors are written, the last one must end within the
  // row.
  p.rounds = permuter_.lanes ? quotient(units, units_)
             : units * out_ < permuter_.width ? 0
                                              : quotient(units * out_ - permuter_.width, p.out_step) + 1;
  for (int k = 0; k < p.sources; ++k) {
    p.source[k] = streams[loads_[k].stream] + first * in_ + loads_[k].at;
    const std::ptrdiff_t room = end - p.source[k] - permuter_.width;
    if (room < (p.rounds - 1) * p.source_step) p.rounds = room < 0 ? 0 : quotient(room, p.source_step) + 1;
  }
  if (p.rounds > 0) permuter_.run(p);
  return p.rounds * units_;
}

void PatternPlan::row(const Byte* const* streams, std::ptrdiff_t units, Byte* out, const Byte* end) const {
  std::ptrdiff_t done = 0;
  if (units_ > 0) {
    done = rounds(streams, 0, units, out, end);
    // The rest of a row is written by one more round, which begins within the finished part.
    const std::ptrdiff_t last = units - units_;
    if (done < units && last >= 0 && done >= last && permuter_.lanes && rounds(streams, last, units_, out, end) > 0)
      done = units;
  }
  if (done == units) return;
  switch (item_) {
    case 1: return one_by_one<std::uint8_t>(streams, done, units, out);
    case 2: return one_by_one<std::uint16_t>(streams, done, units, out);
    case 4: return one_by_one<std::uint32_t>(streams, done, units, out);
    default: return one_by_one<std::uint64_t>(streams, done, units, out);
  }
}

}  // namespace subpixel
