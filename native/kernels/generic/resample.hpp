// Weighted sums of rows, written once over vectors of kLanes numbers of 32 bits. Each target's file defines
// SUBPIXEL_TARGET_NS, kLanes and its vectors (Ints; Halfs and Doubles of half as many numbers, Shorts of twice as many)
// with smaller, widen_bytes, narrow, clip_to_bytes, multiply_pairs and multiply_high before it includes this: GCC
// splits its own conversions between vectors into single moves. Nothing of the standard library may be instantiated
// here (see vec_f32.hpp).
//
// These files are compiled with -ffp-contract=off: a product, then a sum, tap after tap, like NumPy's version in
// ops/resizing/sums.py, so that the bits are the same.

#include "subpixel/resample.hpp"
#include "tables.hpp"
#include "transpose.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

typedef float Floats __attribute__((vector_size(kLanes * 4)));
constexpr int kHalf = kLanes / 2;

#define SUBPIXEL_INLINE inline __attribute__((always_inline))

// Vectors of N numbers of a type.
template <class T, int N>
struct Many {
  typedef T type __attribute__((vector_size(N * sizeof(T))));
};

template <class V>
inline V load(const void* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

// The first `count` numbers; the others are 0.
template <class V>
inline V load(const void* p, std::ptrdiff_t count) {
  V v{};
  __builtin_memcpy(&v, p, static_cast<std::size_t>(count) * sizeof v[0]);
  return v;
}

template <class V>
inline void store(void* p, V v) {
  __builtin_memcpy(p, &v, sizeof v);
}

template <class V>
inline void store(void* p, V v, std::ptrdiff_t count) {
  __builtin_memcpy(p, &v, static_cast<std::size_t>(count) * sizeof v[0]);
}

// Bodies hold copies of their arguments: a store through a pointer to bytes could change the originals.

// Calls the body for blocks of `count` columns: four vectors, then one; the rest is a vector that overlaps the last. A
// row shorter than a vector is loaded in part.
template <int Lanes, class Body>
SUBPIXEL_INLINE void each_block(std::ptrdiff_t count, Body body) {
  std::ptrdiff_t c = 0;
  for (; c + 4 * Lanes <= count; c += 4 * Lanes) body.template whole<4>(c);
  for (; c + Lanes <= count; c += Lanes) body.template whole<1>(c);
  if (c == count) return;
  if (count >= Lanes)
    body.template whole<1>(count - Lanes);
  else
    body.some(count);
}

inline Floats smaller(Floats v, Floats most) { return v < most ? v : most; }

inline Floats finish_sum(Floats v, const Finish&, float) { return v; }
inline Doubles finish_sum(Doubles v, const Finish&, double) { return v; }
inline auto finish_sum(Doubles v, const Finish&, float) { return __builtin_convertvector(v, Many<float, kHalf>::type); }

// Clipping the upper end before rounding and the lower end after it keeps everything in the range of an int.
inline Halfs round_sum(Doubles v, const Finish& finish) {
  v = smaller(v, Doubles{} + finish.high);
  // Adding and subtracting 1.5 · 2^52 rounds to the nearest integer, halves to even.
  const Doubles magic = Doubles{} + 6755399441055744.0;
  v = finish.even ? (v + magic) - magic : v + 0.5;
  return __builtin_convertvector(v, Halfs);
}

inline Ints round_sum(Floats v, const Finish& finish) {
  v = smaller(v, Floats{} + static_cast<float>(finish.high));
  const Floats magic = Floats{} + 12582912.0f;  // 1.5 · 2^23
  v = finish.even ? (v + magic) - magic : v + 0.5f;
  return __builtin_convertvector(v, Ints);
}

template <class V, class D>
inline auto finish_sum(V v, const Finish& finish, D) {
  const auto whole = round_sum(v, finish);
  const decltype(round_sum(v, finish)) none{};
  return narrow(whole > none ? whole : none, D{});
}

template <class V, class S, class D>
struct RealSums {
  static constexpr int kCount = sizeof(V) / sizeof(S);
  RowSums w;
  const int* index;
  const S* weight;
  D* to;

  const S* row(int t) const { return static_cast<const S*>(w.from) + (index[t] - w.origin) * w.step; }

  template <int Vectors>
  SUBPIXEL_INLINE void whole(std::ptrdiff_t c) const {
    V sum[Vectors];
    const S* x = row(0) + c;
    for (int v = 0; v < Vectors; ++v) sum[v] = load<V>(x + v * kCount) * weight[0];
    for (int t = 1; t < w.taps; ++t) {
      x = row(t) + c;
      for (int v = 0; v < Vectors; ++v) sum[v] += load<V>(x + v * kCount) * weight[t];
    }
    for (int v = 0; v < Vectors; ++v) store(to + c + v * kCount, finish_sum(sum[v], w.finish, D{}));
  }
  SUBPIXEL_INLINE void some(std::ptrdiff_t count) const {
    V sum = load<V>(row(0), count) * weight[0];
    for (int t = 1; t < w.taps; ++t) sum += load<V>(row(t), count) * weight[t];
    store(to, finish_sum(sum, w.finish, D{}), count);
  }
};

template <class V, class S, class D>
void real_sums(const RowSums& w) {
  for (int k = 0; k < w.outputs; ++k) {
    D* to = static_cast<D*>(w.to) + k * w.to_step;
    if (w.outside && w.outside[k]) {
      const auto value = finish_sum(V{} + static_cast<S>(w.finish.outside), w.finish, D{});
      for (std::ptrdiff_t c = 0; c < w.count; ++c) to[c] = value[0];
      continue;
    }
    const std::ptrdiff_t first = std::ptrdiff_t{k} * w.taps;
    each_block<sizeof(V) / sizeof(S)>(
        w.count, RealSums<V, S, D>{w, w.index + first, static_cast<const S*>(w.weight) + first, to});
  }
}

template <class T, class S>
void widen(const void* from, void* to, std::ptrdiff_t count) {
  const T* x = static_cast<const T*>(from);
  S* y = static_cast<S*>(to);
  for (std::ptrdiff_t i = 0; i < count; ++i) y[i] = x[i];
}

// ---- fixed point

// The start of a sum, so that a shift rounds half up.
inline Ints half_of(int shift, unsigned char) { return Ints{} + (1 << (shift - 1)); }
inline Ints half_of(int, int) { return Ints{}; }

inline Bytes fixed(Ints sum, int shift, unsigned char) { return clip_to_bytes(sum >> shift); }
inline Ints fixed(Ints sum, int, int) { return sum; }
inline auto fixed(Ints sum, int shift, short) { return narrow(sum >> shift, short{}); }

// Sums of bytes for G outputs with the same indices: each number holds samples of two rows in its halves.
template <int G, bool wide, class D>
struct ByteSums {
  RowSums w;
  const int* index;
  const int *low, *high;
  D* to;

  const unsigned char* row(int t) const {
    return static_cast<const unsigned char*>(w.from) + (index[t] - w.origin) * w.step;
  }

  template <class Read>
  SUBPIXEL_INLINE void sums(Ints* result, Read read) const {
    Ints above[G];
    for (int g = 0; g < G; ++g) result[g] = half_of(w.finish.shift, D{}), above[g] = Ints{};
    const int pairs = w.taps / 2;
    for (int p = 0; p < pairs; ++p) {
      const Ints x = widen_bytes(read(row(2 * p))) | widen_bytes(read(row(2 * p + 1))) << 16;
      for (int g = 0; g < G; ++g) {
        result[g] += multiply_pairs(x, Ints{} + low[g * pairs + p]);
        if (wide) above[g] += multiply_pairs(x, Ints{} + high[g * pairs + p]);
      }
    }
    if (wide)
      for (int g = 0; g < G; ++g) result[g] += above[g] << 15;
  }
  template <int Vectors>
  SUBPIXEL_INLINE void whole(std::ptrdiff_t c) const {
    for (int v = 0; v < Vectors; ++v, c += kLanes) {
      Ints result[G];
      sums(result, [c](const unsigned char* x) { return load<Bytes>(x + c); });
      for (int g = 0; g < G; ++g) store(to + g * w.to_step + c, fixed(result[g], w.finish.shift, D{}));
    }
  }
  SUBPIXEL_INLINE void some(std::ptrdiff_t count) const {
    Ints result[G];
    sums(result, [count](const unsigned char* x) { return load<Bytes>(x, count); });
    for (int g = 0; g < G; ++g) store(to + g * w.to_step, fixed(result[g], w.finish.shift, D{}), count);
  }
};

template <int G, class D>
inline void byte_sums_of(const RowSums& w, int k) {
  const std::ptrdiff_t first = std::ptrdiff_t{k} * w.taps;
  const int *low = static_cast<const int*>(w.weight) + first / 2, *index = w.index + first;
  D* to = static_cast<D*>(w.to) + k * w.to_step;
  if (w.high)
    each_block<kLanes>(w.count, ByteSums<G, true, D>{w, index, low, static_cast<const int*>(w.high) + first / 2, to});
  else
    each_block<kLanes>(w.count, ByteSums<G, false, D>{w, index, low, nullptr, to});
}

template <class D>
void byte_sums(const RowSums& w) {
  for (int k = 0; k < w.outputs;) {
    int run_length = w.run_length[k];
    if (run_length > w.outputs - k) run_length = w.outputs - k;
    switch (run_length) {
      case 4: byte_sums_of<4, D>(w, k); break;
      case 3: byte_sums_of<3, D>(w, k); break;
      case 2: byte_sums_of<2, D>(w, k); break;
      default: byte_sums_of<1, D>(w, k); run_length = 1; break;
    }
    k += run_length;
  }
}

// With a known number of taps, rows and weights stay in registers. Taps is 0 for any number.
template <int Taps>
struct IntSums {
  RowSums w;
  const int *index, *weight;
  unsigned char* to;
  const int* rows[Taps > 0 ? Taps : 1] = {};
  Ints weights[Taps > 0 ? Taps : 1] = {};

  IntSums(const RowSums& sums, int k) : w(sums) {
    const std::ptrdiff_t first = std::ptrdiff_t{k} * w.taps;
    index = w.index + first;
    weight = static_cast<const int*>(w.weight) + first;
    to = static_cast<unsigned char*>(w.to) + k * w.to_step;
    for (int t = 0; t < Taps; ++t) rows[t] = row_of(t), weights[t] = Ints{} + weight[t];
  }

  const int* row_of(int t) const { return static_cast<const int*>(w.from) + (index[t] - w.origin) * w.step; }
  const int* row(int t) const { return Taps > 0 ? rows[t] : row_of(t); }
  Ints by(int t) const { return Taps > 0 ? weights[t] : Ints{} + weight[t]; }

  template <int Vectors>
  SUBPIXEL_INLINE void whole(std::ptrdiff_t c) const {
    Ints sum[Vectors];
    for (int v = 0; v < Vectors; ++v) sum[v] = half_of(w.finish.shift, to[0]);
    for (int t = 0; t < (Taps > 0 ? Taps : w.taps); ++t) {
      const int* x = row(t) + c;
      const Ints times = by(t);
      for (int v = 0; v < Vectors; ++v) sum[v] += load<Ints>(x + v * kLanes) * times;
    }
    for (int v = 0; v < Vectors; ++v) sum[v] >>= w.finish.shift;
    if constexpr (Vectors == 4)
      store(to + c, clip_to_bytes(sum[0], sum[1], sum[2], sum[3]));
    else
      for (int v = 0; v < Vectors; ++v) store(to + c + v * kLanes, clip_to_bytes(sum[v]));
  }
  SUBPIXEL_INLINE void some(std::ptrdiff_t count) const {
    Ints sum = half_of(w.finish.shift, to[0]);
    for (int t = 0; t < w.taps; ++t) sum += load<Ints>(row(t), count) * weight[t];
    store(to, fixed(sum, w.finish.shift, to[0]), count);
  }
};

template <int Taps>
void int_sums_of(const RowSums& w) {
  for (int k = 0; k < w.outputs; ++k) each_block<kLanes>(w.count, IntSums<Taps>(w, k));
}

void int_sums(const RowSums& w) {
  switch (w.taps) {
    case 2: return int_sums_of<2>(w);
    case 4: return int_sums_of<4>(w);
    case 8: return int_sums_of<8>(w);
    default: return int_sums_of<0>(w);
  }
}

// Two taps; the lower 16 bits of each product are dropped, as OpenCV does it.
struct HighSums {
  static constexpr int kCount = 2 * kLanes;
  const short *a, *b;
  short first, second;
  unsigned char* to;

  auto sum(Shorts x, Shorts y) const {
    return narrow((multiply_high(x, Shorts{} + first) + multiply_high(y, Shorts{} + second) + 2) >> 2);
  }
  template <int Vectors>
  SUBPIXEL_INLINE void whole(std::ptrdiff_t c) const {
    for (int v = 0; v < Vectors; ++v, c += kCount) store(to + c, sum(load<Shorts>(a + c), load<Shorts>(b + c)));
  }
  SUBPIXEL_INLINE void some(std::ptrdiff_t count) const {
    store(to, sum(load<Shorts>(a, count), load<Shorts>(b, count)), count);
  }
};

void high_sums(const RowSums& w) {
  const auto row = [&](int k, int t) {
    return static_cast<const short*>(w.from) + (w.index[std::ptrdiff_t{k} * 2 + t] - w.origin) * w.step;
  };
  for (int k = 0; k < w.outputs; ++k) {
    const int both = static_cast<const int*>(w.weight)[k];
    each_block<HighSums::kCount>(
        w.count, HighSums{row(k, 0), row(k, 1), static_cast<short>(both), static_cast<short>(both >> 16),
                          static_cast<unsigned char*>(w.to) + k * w.to_step});
  }
}

#undef SUBPIXEL_INLINE
}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS

#if defined(SUBPIXEL_WINDOWS)
#include "resample_windows.hpp"
#endif

namespace subpixel::SUBPIXEL_TARGET_NS {

constexpr ResampleKernels resample_kernels = {
    real_sums<Floats, float, float>,
    real_sums<Floats, float, unsigned char>,
    real_sums<Floats, float, unsigned short>,
    real_sums<Doubles, double, double>,
    real_sums<Doubles, double, float>,
    real_sums<Doubles, double, unsigned char>,
    real_sums<Doubles, double, unsigned short>,
    byte_sums<unsigned char>,
    byte_sums<int>,
    byte_sums<short>,
    int_sums,
    high_sums,
    widen<unsigned char, float>,
    widen<unsigned short, float>,
    widen<unsigned char, double>,
    widen<unsigned short, double>,
    widen<float, double>,
    {transpose_in<1>, transpose_in<2>, transpose_in<4>, transpose_in<8>},
    {transpose_out<1>, transpose_out<2>, transpose_out<4>, transpose_out<8>},
#if defined(SUBPIXEL_WINDOWS)
    window_sums<int>,
    window_sums<short>,
#endif
};

}  // namespace subpixel::SUBPIXEL_TARGET_NS
