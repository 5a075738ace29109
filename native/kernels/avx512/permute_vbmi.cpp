// Byte permutations with VBMI, 64 bytes a round: its byte permutation crosses the whole register.
#define SUBPIXEL_TARGET_NS avx512

#include "permute_vbmi.hpp"

#include <immintrin.h>

#include "../generic/stream_x86.hpp"

namespace subpixel::avx512 {
namespace {

template <int Sources>
void rounds(const PermuteRounds& p) {
  __m512i table[Sources];
  __mmask64 nonzero[Sources];
  const unsigned char* source[Sources];
  for (int k = 0; k < Sources; ++k) {
    table[k] = _mm512_loadu_si512(p.table + 64 * k);
    nonzero[k] = ~_mm512_movepi8_mask(table[k]);
    source[k] = p.source[k];
  }
  unsigned char* out = p.out;
  for (std::ptrdiff_t n = 0; n < p.rounds; ++n, out += p.out_step) {
    __m512i result = _mm512_maskz_permutexvar_epi8(nonzero[0], table[0], _mm512_loadu_si512(source[0]));
    source[0] += p.source_step;
    for (int k = 1; k < Sources; ++k) {
      result = _mm512_mask_permutexvar_epi8(result, nonzero[k], table[k], _mm512_loadu_si512(source[k]));
      source[k] += p.source_step;
    }
    _mm512_storeu_si512(out, result);
  }
}

void run(const PermuteRounds& p) {
  switch (p.sources) {
    case 1: return rounds<1>(p);
    case 2: return rounds<2>(p);
    case 3: return rounds<3>(p);
    case 4: return rounds<4>(p);
    default: break;
  }
  for (std::ptrdiff_t n = 0; n < p.rounds; ++n) {
    __m512i result = _mm512_setzero_si512();
    for (int k = 0; k < p.sources; ++k) {
      const __m512i table = _mm512_loadu_si512(p.table + 64 * k);
      const __m512i x = _mm512_loadu_si512(p.source[k] + n * p.source_step);
      result = _mm512_mask_permutexvar_epi8(result, ~_mm512_movepi8_mask(table), table, x);
    }
    _mm512_storeu_si512(p.out + n * p.out_step, result);
  }
}

}  // namespace

constexpr PermuteKernels permute_vbmi_kernels = {64, run, stream};

}  // namespace subpixel::avx512
