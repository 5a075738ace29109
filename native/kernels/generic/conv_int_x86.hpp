// Rows of int8 chains on x86, written once over a Wide: vectors of 256 or 512 bits and the product of cells. Each
// target's file defines SUBPIXEL_TARGET_NS, Wide, kVectors, kMostChannels and kName before it includes this. It also
// defines SUBPIXEL_WINOGRAD if its processors have no product of bytes: then half of the products are worth their
// transforms.
//
// Products are written as assembly: with intrinsics gcc 12 copies and spills the sums, which costs a third of the
// speed.

#include "epilogue_int_x86.hpp"
#include "input_output_int.hpp"
#include "tables.hpp"

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

using Row = RowConvInt;
using Product = Wide;

inline Vec first_sum(const Block& b, int channel) { return Wide::set32(b.epilogue.bias[channel]); }

template <int Channels, int Vectors>
__attribute__((always_inline)) inline void apply_epilogue(const RowConvInt& a, const Block& b,
                                                          Vec (&sum)[Channels][Vectors]) {
  if (a.last != nullptr) return store_last(a, b, sum);
  choose_epilogue(a, [&](auto end) __attribute__((always_inline)) { store_cells<end.kind, end.skip>(a, b, sum); });
}

// The inputs and weights of a stripe stay in the first-level cache.
int stripe_of(const RowConvInt& a) { return (a.channels > 4 ? kVectors / 2 : kVectors) * Wide::kLanes; }

}  // namespace
}  // namespace subpixel::SUBPIXEL_TARGET_NS

#include "row_blocks.hpp"

#if defined(SUBPIXEL_WINOGRAD)
#include "winograd_int_x86.hpp"
#endif

namespace subpixel::SUBPIXEL_TARGET_NS {
namespace {

#if !defined(SUBPIXEL_WINOGRAD)
constexpr WinogradInt kWinograd = {nullptr, nullptr};
#endif

long long peak(long long rounds) {
  constexpr int sums = 10;  // as many as hide the latency of the product
  Vec sum[sums] = {}, x = Wide::set32(0x01010101), w = x;
  for (long long k = 0; k < rounds; ++k)
#pragma GCC unroll 16
    for (int s = 0; s < sums; ++s) Wide::multiply(sum[s], x, w);
#pragma GCC unroll 16
  for (int s = 0; s < sums; ++s) asm volatile("" : : "v"(sum[s]));
  return rounds * sums * Wide::kLanes * Wide::kGroup;
}

}  // namespace

constexpr Int8ChainKernels chain_int8_kernels = {
    kName, Wide::kGroup, block, conv, encode, interleave<std::int16_t, float>,
    interleave<std::int16_t, std::uint8_t>, kWinograd, peak};

}  // namespace subpixel::SUBPIXEL_TARGET_NS
