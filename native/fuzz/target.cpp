// A libFuzzer target: one random case of a part of the test program, whose choices are the fuzzer's bytes. A check that
// fails ends the process, so that libFuzzer keeps the input; the sanitizers do the same.
#include <cstdio>
#include <cstdlib>

#include "../tests/check.hpp"
#include "subpixel/dispatch.hpp"

namespace test {

void report(bool condition, const char* file, int line, const std::string& what) {
  if (condition) return;
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
  std::abort();
}

const std::vector<std::string>& all_targets() {
  static const std::vector<std::string> names = subpixel::targets();
  return names;
}

}  // namespace test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  test::Random random(bytes, count);
  test::SUBPIXEL_FUZZED(random);
  return 0;
}
