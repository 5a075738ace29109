#define SUBPIXEL_TARGET_NS neon

#include "../generic/picture_rows.hpp"
