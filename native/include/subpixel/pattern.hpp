// Builds rows from other rows by a repeating pattern: the last step of pixel shuffle and sub-pixel convolution.
#pragma once

#include <cstddef>
#include <vector>

#include "subpixel/permute.hpp"

namespace subpixel {

// Builds a row from streams: element u of each unit of `out` elements is element offset[u] of the unit of `in` elements
// of stream[u].
struct Pattern {
  int streams, in, out;
  std::vector<int> stream, offset;
};

// Takes one element of each stream in turn.
Pattern interleave_pattern(int streams);

// A pattern with the tables that a target needs to apply it. Built once and used for every row.
class PatternPlan {
 public:
  PatternPlan(const Pattern& pattern, int item, const PermuteKernels& permuter);

  // Copies `units` units from the streams to `out`. Loads may reach up to `end`.
  void row(const unsigned char* const* streams, std::ptrdiff_t units, unsigned char* out,
           const unsigned char* end) const;

 private:
  struct Run {
    int stream, from, to, bytes;
  };
  struct Load {
    int stream, at;
  };

  bool tabulate(const Pattern& pattern);
  bool tabulate_lanes(const Pattern& pattern);
  std::ptrdiff_t rounds(const unsigned char* const* streams, std::ptrdiff_t first, std::ptrdiff_t units,
                        unsigned char* out, const unsigned char* end) const;
  template <class Item>
  void one_by_one(const unsigned char* const* streams, std::ptrdiff_t first, std::ptrdiff_t last,
                  unsigned char* out) const;

  int item_, in_, out_;
  const PermuteKernels& permuter_;
  std::vector<Run> runs_;
  int units_ = 0;  // units in a round; 0: runs are copied one by one
  std::vector<Load> loads_;
  std::vector<unsigned char> table_;
  std::vector<int> words_;
};

}  // namespace subpixel
