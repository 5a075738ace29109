// Which instruction sets this build holds and this machine runs.
#pragma once

#include <string>
#include <vector>

#include "subpixel/floats.hpp"
#include "subpixel/integer.hpp"
#include "subpixel/kernels.hpp"
#include "subpixel/permute.hpp"
#include "subpixel/picture.hpp"
#include "subpixel/warp.hpp"
#include "subpixel/weighted.hpp"

namespace subpixel {

struct Feature {
  const char* name;
  bool present;
};

// What the processor offers and the operating system has enabled, for the features this project has a use for.
std::vector<Feature> features();

// Names of the targets in this build that run here, best last.
std::vector<std::string> targets();

// The name of a target, of the best one for "".
const char* target_name(const std::string& target);

// The f32 kernels of a target; the best one for "". Throws std::invalid_argument for a name that is unknown or
// does not run here.
const KernelsF32& kernels_f32(const std::string& target);
const WarpKernels& warp_kernels(const std::string& target);
const KernelsInt& kernels_int(const std::string& target);
const KernelsFloat& chain_f32(const std::string& target);
const KernelsFloat& chain_bf16(const std::string& target);
const PictureKernels& picture_kernels(const std::string& target);
const Permuter& permuter_of(const std::string& target);
const Resizer& resizer_of(const std::string& target);

}  // namespace subpixel
