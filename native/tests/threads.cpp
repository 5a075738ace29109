// Tests the pool of threads: many callers at once, calls from within calls, exceptions, and fork().
#include <stdexcept>
#include <thread>

#include "check.hpp"
#include "subpixel/integer_session.hpp"
#include "subpixel/parallel.hpp"

#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace test {
namespace {

using subpixel::parallel;

constexpr int kHeight = 70, kWidth = 61;
using Bytes = std::vector<std::uint8_t>;

subpixel::IntegerSession session(int threads, const std::string& target) {
  Random random(71);
  subpixel::IntegerSession output({1, 2, true, true, false}, threads, target);
  for (int k = 0, in = 1; k < 2; in = 8, ++k) {
    const int out = k == 0 ? 8 : 4;
    subpixel::IntegerLayer l{in, out, 3, 3, subpixel::Activation::tanh, 128, {}, {}, {}, {}, {}, k == 1};
    for (int w = 0; w < out * in * 9; ++w) l.weight.push_back(static_cast<std::int8_t>(random.integer(-128, 127)));
    l.bias.assign(static_cast<std::size_t>(out), 1000);
    l.shift.assign(static_cast<std::size_t>(out), 8);
    l.multiplier.assign(static_cast<std::size_t>(out), 20000);
    output.add(l);
  }
  return output;
}

Bytes run(const subpixel::IntegerSession& s, const Bytes& x) {
  Bytes y(x.size() * 4);
  s.run(x.data(), kHeight, kWidth, y.data());
  return y;
}

Bytes image() {
  Random random(72);
  Bytes x(std::size_t{kHeight} * kWidth);
  fill(x, random);
  return x;
}

void one_session_many_callers() {
  const Bytes x = image();
  for (const std::string& target : all_targets()) {
    const Bytes expected = run(session(1, target), x);
    const subpixel::IntegerSession shared = session(3, target);
    std::vector<std::thread> callers;
    for (int k = 0; k < 6; ++k)
      callers.emplace_back([&] {
        for (int round = 0; round < 5; ++round) CHECK(same_bytes(run(shared, x), expected), target + " shared");
      });
    for (std::thread& caller : callers) caller.join();
  }
}

void calls_within_calls() {
  std::atomic<long long> sum{0};
  const auto count = [&](const auto& next) {
    for (std::ptrdiff_t k = next(); k < 100; k = next()) sum += k;
  };
  parallel(20, 5, [&](const auto& next) {
    for (std::ptrdiff_t k = next(); k < 20; k = next()) parallel(100, 3, count);
  });
  CHECK(sum == 20 * 4950, "every number once");
}

void exceptions() {
  bool caught = false;
  try {
    parallel(100, 5, [&](const auto& next) {
      for (std::ptrdiff_t k = next(); k < 100; k = next())
        if (k == 37) throw std::runtime_error("37");
    });
  } catch (const std::runtime_error& error) {
    caught = error.what() == std::string("37");
  }
  CHECK(caught, "the caller gets it");
}

#if defined(__unix__)
// A child has none of its parent's threads. ThreadSanitizer and qemu allow no threads in a child at all.
void after_fork() {
#if !defined(__SANITIZE_THREAD__) && !defined(SUBPIXEL_EMULATED)
  const Bytes x = image();
  const subpixel::IntegerSession s = session(4, "");
  const Bytes expected = run(s, x);
  for (int round = 0; round < 5; ++round) {
    const pid_t child = fork();
    if (child == 0) _exit(same_bytes(run(s, x), expected) ? 0 : 1);
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0, "the child's result");
    CHECK(same_bytes(run(s, x), expected), "the parent's, afterwards");
  }
#endif
}
#endif

}  // namespace

void threads() {
  one_session_many_callers();
  calls_within_calls();
  exceptions();
#if defined(__unix__)
  after_fork();
#endif
}

}  // namespace test
