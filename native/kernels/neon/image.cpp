// The rows of images.
#define SUBPIXEL_TARGET_NS neon

#include "../generic/image_rows.hpp"
