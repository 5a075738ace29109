// What the processor offers and the operating system has enabled.
#pragma once

#include <vector>

namespace subpixel {

// The features that targets need.
enum class Feature {
  sse42, avx2, fma, avx512f, avx512bw, avx512dq, avx512vl, avx512vbmi, avx512vnni, avx512bf16, avxvnni,
  amx_tile, amx_int8, amx_bf16,
  neon, i8mm
};

// Whether a feature can be used here. Detected once in a process.
bool has(Feature feature);

struct FeatureReport {
  const char* name;
  bool present;
};

// The features of this processor family and whether they can be used here.
std::vector<FeatureReport> features();

}  // namespace subpixel
