// A loop that several threads share, and the pool of threads behind it.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>

namespace subpixel {

// Calls run(context) on this thread and meanwhile on up to `helpers` threads of the process's pool. Returns when all
// calls have returned. run must not throw. Threads are started when first needed, then wait for the next call. A forked
// child starts its own threads. Any thread may call this at any time, also from within run.
void with_helpers(int helpers, void (*run)(void*), void* context);

// Calls work(next) on up to `threads` threads. Each takes numbers from next() until it returns `count`. The first
// exception is rethrown here after all threads have finished. A helper that comes too late takes no numbers: work may
// be called fewer than `threads` times.
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
  const auto run = [](void* self) { (*static_cast<decltype(guarded)*>(self))(); };
  with_helpers(static_cast<int>(std::min<std::ptrdiff_t>(threads, count)) - 1, run, &guarded);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace subpixel
