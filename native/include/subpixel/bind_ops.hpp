// The operators' part of the module.
#pragma once

#include <nanobind/nanobind.h>

namespace subpixel {

void bind_ops(nanobind::module_& m);

}  // namespace subpixel
