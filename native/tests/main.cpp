// Tests the engine without Python: every target against slow, obvious loops or, byte for byte, against the scalar
// target. With names of parts as arguments only those run.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>

#include "check.hpp"
#include "subpixel/dispatch.hpp"

namespace test {
namespace {

std::atomic<int> failed{0};
std::atomic<long long> checked{0};

struct Part {
  const char* name;
  void (*run)();
};

constexpr Part kParts[] = {{"integer", integer_networks}, {"floats", float_chains}, {"frames", frames},
                           {"graph", f32_networks},       {"shuffle", shuffles},    {"warp", warps},
                           {"resize", resizes},           {"conv", convolutions},   {"unpool", unpoolings},
                           {"threads", threads}};
constexpr int kMostShown = 20;

bool wanted(const Part& part, int count, char** names) {
  for (int k = 0; k < count; ++k)
    if (part.name == std::string(names[k])) return true;
  return count == 0;
}

}  // namespace

void report(bool condition, const char* file, int line, const std::string& what) {
  ++checked;
  if (!condition && failed++ < kMostShown) std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

int failures() { return failed; }
long long checks() { return checked; }

const std::vector<std::string>& all_targets() {
  static const std::vector<std::string> names = subpixel::targets();
  return names;
}

}  // namespace test

int main(int count, char** names) {
  std::string list;
  for (const std::string& name : test::all_targets()) list += " " + name;
  std::printf("targets:%s\n", list.c_str());
  for (const test::Part& part : test::kParts) {
    if (!test::wanted(part, count - 1, names + 1)) continue;
    const auto begin = std::chrono::steady_clock::now();
    const long long before = test::checks();
    try {
      part.run();
    } catch (const std::exception& error) {
      test::report(false, part.name, 0, error.what());
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%-8s %7lld checks  %6.2f s\n", part.name, test::checks() - before, took.count());
    std::fflush(stdout);
  }
  if (test::failures() > 0) std::printf("%d checks failed\n", test::failures());
  if (test::checks() == 0) std::printf("no part of that name\n");
  return test::failures() > 0 || test::checks() == 0;
}
