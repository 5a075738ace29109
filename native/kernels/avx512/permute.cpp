// Byte permutations, 64 bytes a round: words of 4 bytes go to any 16-byte lane, then bytes are shuffled within it.
#define SUBPIXEL_TARGET_NS avx512

#include <immintrin.h>

#include "subpixel/permute.hpp"
#include "../generic/stream_x86.hpp"
#include "../generic/tables.hpp"

namespace subpixel::avx512 {
namespace {

template <int Sources, bool Whole>
void rounds(const PermuteRounds& p) {
  __m512i words[Sources], table[Sources];
  __mmask16 nonzero[Sources];
  const unsigned char* source[Sources];
  for (int k = 0; k < Sources; ++k) {
    words[k] = _mm512_loadu_si512(p.words + 16 * k);
    table[k] = _mm512_loadu_si512(p.table + 64 * k);
    nonzero[k] = static_cast<__mmask16>(~_mm512_movepi32_mask(table[k]));
    source[k] = p.source[k];
  }
  const __mmask64 stored = ~__mmask64{0} >> (64 - p.out_step);
  unsigned char* out = p.out;
  for (std::ptrdiff_t n = 0; n < p.rounds; ++n, out += p.out_step) {
    __m512i result = _mm512_setzero_si512();
    for (int k = 0; k < Sources; ++k) {
      const __m512i x = _mm512_loadu_si512(source[k]);
      source[k] += p.source_step;
      if (Whole) result = _mm512_mask_permutexvar_epi32(result, nonzero[k], words[k], x);
      else result = _mm512_or_si512(result, _mm512_shuffle_epi8(_mm512_permutexvar_epi32(words[k], x), table[k]));
    }
    _mm512_mask_storeu_epi8(out, stored, result);
  }
}

template <int Sources>
void some(const PermuteRounds& p) {
  if (p.whole_words) rounds<Sources, true>(p);
  else rounds<Sources, false>(p);
}

template <int Sources>
void as_many(const PermuteRounds& p) {
  if constexpr (Sources > 1)
    if (p.sources < Sources) return as_many<Sources - 1>(p);
  some<Sources>(p);
}

void run(const PermuteRounds& p) { as_many<kPermuteSources>(p); }

}  // namespace

constexpr PermuteKernels permute_kernels = {64, run, stream, true};

}  // namespace subpixel::avx512
