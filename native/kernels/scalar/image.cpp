// The rows of images.
#define SUBPIXEL_TARGET_NS scalar

#include "../generic/image_rows.hpp"
