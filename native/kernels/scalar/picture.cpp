#define SUBPIXEL_TARGET_NS scalar

#include "../generic/picture_rows.hpp"
