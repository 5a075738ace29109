// The rows of images.
#define SUBPIXEL_TARGET_NS avx512

#include "../generic/image_rows.hpp"
