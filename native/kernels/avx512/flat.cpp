// The rows of flat cells.
#define SUBPIXEL_TARGET_NS avx512

#include "../generic/flat_rows.hpp"
