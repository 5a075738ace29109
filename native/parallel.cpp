// The process's pool of threads.
#include "subpixel/parallel.hpp"

#include <condition_variable>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#define SUBPIXEL_POSIX
#endif

namespace subpixel {
namespace {

constexpr int kMostWorkers = 1024;

struct Job {
  void (*run)(void*);
  void* context;
  int open;     // helpers that may still join
  int running;  // helpers that have joined and not finished
};

// Blocks signals in new threads: the program's own threads and handlers expect them.
class SignalBlock {
 public:
#if defined(SUBPIXEL_POSIX)
  SignalBlock() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalBlock() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
#endif
};

class Pool {
 public:
  void call(int helpers, void (*run)(void*), void* context) {
    Job job{run, context, helpers, 0};
    {
      std::lock_guard<std::mutex> lock(guard_);
      jobs_.push_back(&job);
      wanted_ += helpers;
      start_missing();
    }
    if (helpers == 1) more_.notify_one();
    else more_.notify_all();
    run(context);
    std::unique_lock<std::mutex> lock(guard_);
    if (job.open > 0) {
      wanted_ -= job.open;
      jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
    }
    ended_.wait(lock, [&] { return job.running == 0; });
  }

 private:
  // If threads are scarce and there are fewer workers than wanted, callers do the rest themselves.
  void start_missing() {
    if (free_ >= wanted_) return;
    [[maybe_unused]] const SignalBlock quiet;  // empty where there are no signals
    try {
      for (; free_ < wanted_ && all_ < kMostWorkers; ++free_, ++all_) std::thread([this] { work(); }).detach();
    } catch (const std::exception&) {
    }
  }

  void work() {
    std::unique_lock<std::mutex> lock(guard_);
    for (;;) {
      more_.wait(lock, [&] { return !jobs_.empty(); });
      Job& job = *jobs_.front();
      ++job.running;
      if (--job.open == 0) jobs_.erase(jobs_.begin());
      --wanted_;
      --free_;
      lock.unlock();
      job.run(job.context);
      lock.lock();
      ++free_;
      if (--job.running == 0) ended_.notify_all();
    }
  }

  std::mutex guard_;
  std::condition_variable more_, ended_;
  std::vector<Job*> jobs_;  // those that helpers may join, oldest first
  int wanted_ = 0;          // sum of `open` over the jobs
  int free_ = 0, all_ = 0;  // workers without a job; all workers
};

// Never destroyed: when the process ends, workers still wait in it. A child of fork() has none of its parent's threads,
// and a parent's thread may have held the mutex, so the child starts a new pool.
std::atomic<Pool*> current{nullptr};

#if defined(SUBPIXEL_POSIX)
[[maybe_unused]] const int kRegistered = pthread_atfork(nullptr, nullptr, [] { current.store(nullptr); });
#endif

Pool& pool() {
  Pool* found = current.load();
  if (found != nullptr) return *found;
  Pool* created = new Pool;
  if (current.compare_exchange_strong(found, created)) return *created;
  delete created;  // another thread was first; this pool has no workers yet
  return *found;
}

}  // namespace

void with_helpers(int helpers, void (*run)(void*), void* context) {
  if (helpers < 1) return run(context);
  pool().call(std::min(helpers, kMostWorkers), run, context);
}

}  // namespace subpixel
