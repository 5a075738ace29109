// How a picture's rows are shared out: a few at a time, so that threads end together, yet next to each other, because
// where a part begins, rows around it are computed that belong to its neighbour.
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

namespace subpixel {

class RowScheduler {
 public:
  // Rows first … last of a strip; fresh: they do not follow upon what the same thread took before.
  struct Share {
    int part = -1, strip, first, last;
    bool fresh;
  };

  RowScheduler(int strips, int height, int threads) {
    const int each = std::max(1, std::min(threads, height / kLeast));
    for (int strip = 0; strip < strips; ++strip)
      for (int k = 0; k < each; ++k)
        parts_.push_back({strip, static_cast<int>(static_cast<long long>(height) * k / each),
                          static_cast<int>(static_cast<long long>(height) * (k + 1) / each), false});
    rows_ = static_cast<long long>(strips) * height;
  }

  // As many threads as there could be work for.
  long long most() const { return std::max<long long>(1, rows_ / kLeast); }

  // The next rows for a thread that took `share` before: of the same part while it has any, of one that nobody has, or of
  // the rear half of the one with most left.
  bool take(Share& share) {
    std::lock_guard<std::mutex> lock(guard_);
    share.fresh = share.part < 0 || parts_[share.part].next == parts_[share.part].end;
    if (share.fresh) {
      share.part = find();
      if (share.part < 0) return false;
    }
    Part& part = parts_[share.part];
    part.taken = true;
    share.strip = part.strip;
    share.first = part.next;
    share.last = part.next = std::min(part.next + kAtOnce, part.end);
    return true;
  }

 private:
  struct Part {
    int strip, next, end;
    bool taken;
  };
  // Rows taken at once, and rows that are worth a part of their own: some times what is computed twice where it begins.
  static constexpr int kAtOnce = 8, kLeast = 16;

  int find() {
    int most = -1;
    for (int k = 0; k < static_cast<int>(parts_.size()); ++k) {
      const Part& p = parts_[k];
      if (!p.taken) return k;
      if (most < 0 || p.end - p.next > parts_[most].end - parts_[most].next) most = k;
    }
    const Part from = parts_[most];
    if (from.end - from.next < 2 * kLeast) return -1;
    const int middle = (from.next + from.end) / 2;
    parts_[most].end = middle;
    parts_.push_back({from.strip, middle, from.end, false});
    return static_cast<int>(parts_.size()) - 1;
  }

  std::mutex guard_;
  std::vector<Part> parts_;
  long long rows_;
};

}  // namespace subpixel
