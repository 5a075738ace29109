// Shared by the parts of the native test program: a check that counts failures and continues, and random numbers that
// are the same everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace test {

void report(bool condition, const char* file, int line, const std::string& what);
int failures();
long long checks();

// `what`: a text with the arguments of the case.
#define CHECK(condition, what) ::test::report((condition), __FILE__, __LINE__, std::string(#condition) + ": " + (what))

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  // For a fuzzer: `integer` takes its bytes, as long as there are some, and all else follows from them.
  Random(const std::uint8_t* bytes, std::size_t count) : state_(count), bytes_(bytes), left_(count) {
    for (std::size_t k = 0; k < count; ++k) state_ = (state_ ^ bytes[k]) * 0x100000001b3u;
  }
  std::uint64_t next() {  // a 64-bit mix of a counter
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 31) * 0xd6e8feb86659fd93u;
    z = (z ^ z >> 29) * 0xa0761d6478bd642fu;
    return z ^ z >> 32;
  }
  int integer(int low, int high) {  // both included
    return within(low, high, left_ > 0 ? taken(std::int64_t{high} - low) : next());
  }
  // The same for samples and weights, of which there are too many to take from a fuzzer's bytes.
  int value(int low, int high) { return within(low, high, next()); }
  float real_number(float low, float high) {
    return low + (high - low) * static_cast<float>(next() >> 40) / 16777216.0f;
  }

 private:
  static int within(int low, int high, std::uint64_t number) {
    return low + static_cast<int>(number % static_cast<std::uint64_t>(std::int64_t{high} - low + 1));
  }
  // As many bytes as a span needs.
  std::uint64_t taken(std::int64_t span) {
    std::uint64_t number = 0;
    for (; span > 0 && left_ > 0; span >>= 8, --left_) number = number << 8 | *bytes_++;
    return number;
  }

  std::uint64_t state_;
  const std::uint8_t* bytes_ = nullptr;
  std::size_t left_ = 0;
};

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// Fills with random bytes, or with floats, with `wild` also NaN, infinities, denormals and -0.
inline void fill(std::vector<std::uint8_t>& v, Random& random, bool = false) {
  for (std::uint8_t& s : v) s = static_cast<std::uint8_t>(random.next() >> 20);
}
inline void fill(std::vector<float>& v, Random& random, bool wild = false) {
  using Limits = std::numeric_limits<float>;
  const float odd[] = {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), Limits::denorm_min(), -0.0f,
                       Limits::max(), -Limits::max(), -Limits::denorm_min()};
  for (float& s : v)
    s = wild && random.integer(0, 7) == 0 ? odd[random.integer(0, 7)] : random.real_number(-0.25f, 1.25f);
}

// All targets of this build that run here; the first is `scalar`.
const std::vector<std::string>& all_targets();

// Sanitizers and emulation make everything ten times slower, so they run fewer sizes.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SUBPIXEL_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(SUBPIXEL_SANITIZED) || \
    defined(SUBPIXEL_EMULATED)
inline constexpr bool kSlow = true;
#else
inline constexpr bool kSlow = false;
#endif

// One random case of a part: its rounds are these, and fuzzers choose what is random in them.
void one_integer_network(Random& random);
void one_f32_network(Random& random);
void one_float_chain(Random& random);
void one_frame(Random& random);
void one_shuffle(Random& random);
void one_warp(Random& random);
void one_resize(Random& random);
void one_convolution(Random& random);
void one_unpooling(Random& random);

void integer_networks();
void f32_networks();
void float_chains();
void frames();
void shuffles();
void warps();
void resizes();
void convolutions();
void unpoolings();
void threads();

}  // namespace test
