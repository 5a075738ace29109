// Byte permutations, 16 bytes a round: the byte shuffle of AVX2 does not cross its 16-byte halves.
#define SUBPIXEL_TARGET_NS avx2

#include <immintrin.h>

#include "subpixel/permute.hpp"
#include "../generic/stream_x86.hpp"
#include "../generic/tables.hpp"

namespace subpixel::avx2 {
namespace {

template <int Sources>
void rounds(const PermuteRounds& p) {
  __m128i table[Sources];
  const unsigned char* source[Sources];
  for (int k = 0; k < Sources; ++k) {
    table[k] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p.table + 16 * k));
    source[k] = p.source[k];
  }
  unsigned char* out = p.out;
  for (std::ptrdiff_t n = 0; n < p.rounds; ++n, out += p.out_step) {
    __m128i result = _mm_setzero_si128();
    for (int k = 0; k < Sources; ++k) {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(source[k]));
      result = _mm_or_si128(result, _mm_shuffle_epi8(x, table[k]));
      source[k] += p.source_step;
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out), result);
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
    __m128i result = _mm_setzero_si128();
    for (int k = 0; k < p.sources; ++k) {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p.source[k] + n * p.source_step));
      result = _mm_or_si128(result,
                            _mm_shuffle_epi8(x, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p.table + 16 * k))));
    }
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p.out + n * p.out_step), result);
  }
}

}  // namespace

constexpr PermuteKernels permute_kernels = {16, run, stream};

}  // namespace subpixel::avx2
