#define SUBPIXEL_TARGET_NS avx2

#include "../generic/picture_rows.hpp"
