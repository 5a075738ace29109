// Copies past the caches with stores of 32 bytes, for the tables of byte permutations on x86.
#pragma once

#include <immintrin.h>

#include <cstddef>

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

void stream(unsigned char* to, const unsigned char* from, std::size_t bytes) {
  const std::size_t head = (32 - reinterpret_cast<std::size_t>(to) % 32) % 32;
  if (head >= bytes) {
    __builtin_memcpy(to, from, bytes);
    return;
  }
  __builtin_memcpy(to, from, head);
  std::size_t k = head;
  for (; k + 32 <= bytes; k += 32)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + k),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + k)));
  __builtin_memcpy(to + k, from + k, bytes - k);
  _mm_sfence();
}

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS
