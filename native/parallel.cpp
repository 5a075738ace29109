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
  int running;  // helpers that have joined and not ended
};

// Signals are for the threads of the program, whose handlers and interrupted calls they are meant for.
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
  // With fewer workers than wanted, for want of threads, callers do the rest themselves.
  void start_missing() {
    if (free_ >= wanted_) return;
    const SignalBlock quiet;
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
  int wanted_ = 0;          // sum of what is open in them
  int free_ = 0, all_ = 0;  // workers without a job; workers
};

// Never destroyed: at the process's end workers still wait in it. A child of fork() has none of its parent's threads,
// and perhaps a mutex that one of them held, so it begins anew.
std::atomic<Pool*> current{nullptr};

#if defined(SUBPIXEL_POSIX)
[[maybe_unused]] const int kRegistered = pthread_atfork(nullptr, nullptr, [] { current.store(nullptr); });
#endif

Pool& pool() {
  Pool* found = current.load();
  if (found != nullptr) return *found;
  Pool* made = new Pool;
  if (current.compare_exchange_strong(found, made)) return *made;
  delete made;  // another thread was first; this one has no workers yet
  return *found;
}

}  // namespace

void with_helpers(int helpers, void (*run)(void*), void* context) {
  if (helpers < 1) return run(context);
  pool().call(std::min(helpers, kMostWorkers), run, context);
}

}  // namespace subpixel
