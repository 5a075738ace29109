// Which form of an int8 convolution of width 3 takes less time on this processor: direct, or Winograd's (winograd.hpp).
// Both give the same bytes.
//
// It is measured, because instruction sets do not tell: where a processor issues two products a cycle, as Zen 3 does,
// the transforms of Winograd's form bound it, and where it issues one, as Zen 2 does, the products bound the direct
// form. A table of processors would be wrong for each one that nobody has measured, and for virtual machines that show
// another family. Other work on the machine disturbs a measurement, but hardly the least of several short ones that
// take turns; and where the forms are so close that noise decides, either is right.
#pragma once

#include "subpixel/int8_chain_kernels.hpp"

namespace subpixel {

// A convolution of width 3, counted in cells and stored channels; last: of a network, with sums of 16 bits as result.
struct ConvFormShape {
  int kernel_rows, groups, channels;
  bool last;
};

// The first call for a shape measures, in a few MiB for some milliseconds at most; the process keeps the answer, so
// that all its sessions agree. The kernels have both forms. Any thread may call it.
bool winograd_takes_less_time(const Int8ChainKernels& kernels, const ConvFormShape& shape);

}  // namespace subpixel
