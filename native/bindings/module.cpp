// The Python module: features, targets, and the parts of the other files.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.hpp"
#include "subpixel/dispatch.hpp"
#include "subpixel/float_chain_kernels.hpp"
#include "subpixel/int8_chain_kernels.hpp"

namespace nb = nanobind;
using namespace nb::literals;

NB_MODULE(_native, m) {
  // Python's caches hold sessions until the interpreter ends, which is no leak.
  nb::set_leak_warnings(false);
  m.doc() = "Compiled kernels of subpixel; used through subpixel.ops and subpixel.backends.native.";
  m.def("features", [] {
    nb::dict found;
    for (const auto& feature : subpixel::features()) found[feature.name] = feature.present;
    return found;
  }, "The processor features that targets need, and whether they can be used here.");
  m.def("targets", &subpixel::targets, "The targets of this build that run here, best last.");
  m.def("require_target", [](const std::string& target) { subpixel::find_target(target); }, "target"_a,
        "Raises ValueError, which lists the targets that run here, for one that is unknown or does not run.");
  m.def(
      "peak",
      [](long long rounds, const std::string& precision, const std::string& target) {
        subpixel::need(precision == "int8" || precision == "bf16" || precision == "f32",
                       "precision must be int8, bf16 or f32");
        const subpixel::Target& found = subpixel::find_target(target);
        const auto run = precision == "int8"   ? found.chain_int8->peak
                         : precision == "bf16" ? found.chain_bf16->peak
                                               : found.chain_f32->peak;
        nb::gil_scoped_release release;
        return run(rounds);
      },
      "rounds"_a, "precision"_a, "target"_a, "Runs the target's multiply-adds alone and returns their number.");
  subpixel::bind_conv(m);
  subpixel::bind_float_session(m);
  subpixel::bind_integer_session(m);
  subpixel::bind_image(m);
  subpixel::bind_pool(m);
  subpixel::bind_resize(m);
  subpixel::bind_session(m);
  subpixel::bind_shuffle(m);
  subpixel::bind_warp(m);
}
