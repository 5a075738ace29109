// Vectors of kLanes floats and the activations on them. Each target's file defines SUBPIXEL_TARGET_NS and kLanes before
// it includes this. Nothing of the standard library may be instantiated here: such a function, compiled with wide
// instructions, could be the copy that the linker keeps for every caller.
#pragma once

#include "subpixel/conv_kernels.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

typedef float Vec __attribute__((vector_size(kLanes * 4)));
typedef int IntVec __attribute__((vector_size(kLanes * 4)));

inline Vec load(const float* p) {
  Vec v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

inline void store(float* p, Vec v) { __builtin_memcpy(p, &v, sizeof v); }

// A difference: f - 0 is f for every f and costs nothing. 0 + f is not f for -0, and would be an addition.
inline Vec fill(float f) { return f - Vec{}; }

// Comparisons are written so that NaN stays NaN, as in the reference.
inline Vec at_least(Vec v, float low) { return v < fill(low) ? fill(low) : v; }
inline Vec at_most(Vec v, float high) { return v > fill(high) ? fill(high) : v; }

// exp(v) for |v| <= 20: v = n ln 2 + r, |r| <= 0.35, Taylor's series to r^7 (the next term is below 6e-9).
inline Vec exp_small(Vec v) {
  const Vec magic = fill(12582912.0f);  // 1.5 * 2^23: adding and subtracting it rounds to an integer
  Vec n = v * fill(1.44269504f) + magic;
  n = n - magic;
  // ln 2 in two parts, so that r keeps its last bits
  Vec r = v - n * fill(0.693359375f);
  r = r + n * fill(2.12194440e-4f);
  Vec p = fill(1.0f / 5040.0f);
  p = p * r + fill(1.0f / 720.0f);
  p = p * r + fill(1.0f / 120.0f);
  p = p * r + fill(1.0f / 24.0f);
  p = p * r + fill(1.0f / 6.0f);
  p = p * r + fill(0.5f);
  p = p * r + fill(1.0f);
  p = p * r + fill(1.0f);
  // NaN has no integer. Any integer in its place is right, because p is NaN.
  Vec whole = n == n ? n : fill(0.0f);
  IntVec bits = (__builtin_convertvector(whole, IntVec) + 127) << 23;
  Vec power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return p * power;
}

// tanh(v) = 1 - 2 / (exp(2v) + 1), absolute error below 4e-7; beyond 10 it is 1 in f32.
inline Vec tanh(Vec v) {
  Vec e = exp_small(fill(2.0f) * at_most(at_least(v, -10.0f), 10.0f));
  return fill(1.0f) - fill(2.0f) / (e + fill(1.0f));
}

inline Vec activate(Vec v, Activation kind, float slope) {
  switch (kind) {
    case Activation::relu: return at_least(v, 0.0f);
    case Activation::prelu: return v < fill(0.0f) ? v * fill(slope) : v;
    case Activation::tanh: return tanh(v);
    case Activation::clip: return at_most(at_least(v, 0.0f), 1.0f);
    case Activation::none: break;
  }
  return v;
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
