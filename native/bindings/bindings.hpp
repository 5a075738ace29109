// The parts of the Python module, one file each. Each part checks its arguments before the kernels see them.
#pragma once

#include <nanobind/nanobind.h>

#include <stdexcept>
#include <string>

#include "subpixel/conv_kernels.hpp"

namespace subpixel {

// The Python side has already checked the user's arguments. A failure here is a defect of the caller.
inline void need(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

inline Activation activation_of(const std::string& name) {
  if (name == "relu") return Activation::relu;
  if (name == "prelu") return Activation::prelu;
  if (name == "tanh") return Activation::tanh;
  if (name == "clip") return Activation::clip;
  need(name == "none", "activation is not known");
  return Activation::none;
}

void bind_conv(nanobind::module_& m);
void bind_float_session(nanobind::module_& m);
void bind_integer_session(nanobind::module_& m);
void bind_image(nanobind::module_& m);
void bind_pool(nanobind::module_& m);
void bind_resize(nanobind::module_& m);
void bind_session(nanobind::module_& m);
void bind_shuffle(nanobind::module_& m);
void bind_warp(nanobind::module_& m);

}  // namespace subpixel
