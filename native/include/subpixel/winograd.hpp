// Convolutions of width 3 with half of the products: four neighbouring columns at once, from six input columns
// (Winograd's F(4, 3) along the row; the matrices are those of Lavin and Gray 2015, arXiv 1509.09308).
//
//     y = A' ((G g) * (B' d)) / 24      d: 6 samples, g: 3 weights, y: 4 results
//
// G here is 24 times the paper's. All numbers are therefore integers and the division is exact: the sums are the same
// integers that direct convolution gives. B' d of bytes and G g of weights fit 16 bits.
#pragma once

namespace subpixel {

// The columns of a tile, and the values that represent its six input samples.
inline constexpr int kWinogradColumns = 4, kWinogradParts = 6;
// The largest vector of any target, in cells: rows of tiles are padded to it.
inline constexpr int kWinogradStep = 16;
inline constexpr int kWinogradDivisor = 24;

inline constexpr int kWinogradWeights[kWinogradParts][3] = {{6, 0, 0}, {-4, -4, -4}, {-4, 4, -4},
                                                           {1, 2, 4}, {1, -2, 4},  {0, 0, 24}};

// The order in which parts are summed and their weights stored: the first four are two pairs.
inline constexpr int kWinogradOrder[kWinogradParts] = {1, 2, 3, 4, 0, 5};

inline constexpr int winograd_tiles(int columns) { return (columns + kWinogradColumns - 1) / kWinogradColumns; }

}  // namespace subpixel
