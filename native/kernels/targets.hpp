// Declares target() of each folder: the folder's name is its namespace.
//
// Each target.cpp is compiled with the baseline flags, because it runs on every processor: the list of targets exists
// before it is known which of them run. A target.cpp only takes the addresses of tables, which are constants. No code
// that is compiled for a wider instruction set therefore runs before its target has been chosen.
#pragma once

#include "subpixel/target.hpp"

namespace subpixel {

#define SUBPIXEL_TARGET(name) \
  namespace name {            \
  Target target();            \
  }
#include "targets.inc"
#undef SUBPIXEL_TARGET

}  // namespace subpixel
