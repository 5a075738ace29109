// One loop shared by threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace subpixel {

// Calls work(next) on up to `threads` threads; each takes numbers from next() until it gives `count`. What a thread
// throws first is thrown here, once all have ended.
template <class Work>
void parallel(std::ptrdiff_t count, int threads, const Work& work) {
  std::atomic<std::ptrdiff_t> counter{0};
  std::mutex guard;
  std::exception_ptr failure;
  auto next = [&]() noexcept { return std::min(counter++, count); };
  auto guarded = [&]() noexcept {
    try {
      work(next);
    } catch (...) {
      std::lock_guard<std::mutex> lock(guard);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  try {
    for (std::ptrdiff_t t = 1; t < std::min<std::ptrdiff_t>(threads, count); ++t) others.emplace_back(guarded);
  } catch (const std::exception&) {
    // No further thread to be had: those that run, this one at least, do it all.
  }
  guarded();
  for (std::thread& t : others) t.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace subpixel
