// The rows of images.
#define SUBPIXEL_TARGET_NS avx2

#include "../generic/image_rows.hpp"
