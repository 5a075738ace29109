// The targets of this build, and the choice among those that run here.
#include "subpixel/dispatch.hpp"

#include <algorithm>
#include <stdexcept>

#include "kernels/targets.hpp"

namespace subpixel {
namespace {

// Best last.
const std::vector<Target>& all_targets() {
  static const std::vector<Target> list = {
#define SUBPIXEL_TARGET(name) name::target(),
#include "kernels/targets.inc"
#undef SUBPIXEL_TARGET
  };
  return list;
}

bool runs(const Target& t) { return std::all_of(t.needs.begin(), t.needs.end(), has); }

std::string join(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Target extend(Target base, const char* name, std::initializer_list<Feature> more) {
  base.name = name;
  base.needs.insert(base.needs.end(), more);
  return base;
}

std::vector<std::string> targets() {
  std::vector<std::string> names;
  for (const Target& t : all_targets())
    if (runs(t)) names.emplace_back(t.name);
  return names;
}

const Target& find_target(const std::string& name) {
  const Target* best = nullptr;
  for (const Target& t : all_targets()) {
    if (name.empty() ? runs(t) : name == t.name) best = &t;
  }
  if (best == nullptr)
    throw std::invalid_argument("target '" + name + "' is not one of this build; here run: " + join(targets()));
  if (!runs(*best))
    throw std::invalid_argument("target '" + name + "' does not run on this processor; here run: " + join(targets()));
  return *best;
}

}  // namespace subpixel
