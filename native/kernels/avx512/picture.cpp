#define SUBPIXEL_TARGET_NS avx512

#include "../generic/picture_rows.hpp"
