// The rows of flat cells.
#define SUBPIXEL_TARGET_NS avx2

#include "../generic/flat_rows.hpp"
