// The rows of flat cells.
#define SUBPIXEL_TARGET_NS neon

#include "../generic/flat_rows.hpp"
