// The rows of flat cells.
#define SUBPIXEL_TARGET_NS scalar

#include "../generic/flat_rows.hpp"
