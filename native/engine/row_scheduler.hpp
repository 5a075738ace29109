// Distributes the rows of an image to threads. Threads take a few rows at a time, so that they finish together. The
// rows of a thread are neighbours as far as possible, because at the start of a part the rows around it are computed
// twice.
#pragma once

#include <algorithm>
#include <mutex>
#include <vector>

namespace subpixel {

class RowScheduler {
 public:
  // Rows first … last of a strip. fresh: they do not continue the thread's previous rows.
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

  // The number of threads for which there could be work.
  long long max_threads() const { return std::max<long long>(1, rows_ / kLeast); }

  // The next rows for a thread whose previous ones were `share`: from the same part while it has any, from a part that
  // no thread has taken, or from the second half of the part with most rows left.
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
  // The rows of a share, and the rows that justify a part of their own: a multiple of what is computed twice at its
  // start.
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
