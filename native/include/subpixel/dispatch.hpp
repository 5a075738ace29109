// Chooses a target: an instruction set that this build holds and this machine runs.
#pragma once

#include <string>
#include <vector>

#include "subpixel/target.hpp"

namespace subpixel {

// Names of the targets in this build that run here, best last.
std::vector<std::string> targets();

// The target of this name, or the best one for "". Throws std::invalid_argument for a name that is unknown or does not
// run here.
const Target& find_target(const std::string& name);

}  // namespace subpixel
