"""The layouts of a test, and a stand-in for arrays of another library."""

import numpy as np

FIRST = {1: "NCW", 2: "NCHW", 3: "NCDHW"}
LAYOUTS = {
    1: ("NCW", "NWC", "CW", "WC"),
    2: ("NCHW", "NHWC", "CHW", "HWC"),
    3: ("NCDHW", "NDHWC", "CDHW", "DHWC"),
}
EVERY = [layout for layouts in LAYOUTS.values() for layout in layouts]
# What no size, stride, kernel or factor may be.
NO_INTEGERS = [0, -1, True, 1.5, float("nan"), "2", None, (), (2, 2, 2, 2), (2, 0), ((1, 1),)]


def dims_of(layout):
    return len(layout.strip("N").replace("C", ""))


def to_layout(x, layout):
    """(N, C, *S), NumPy or torch, in another layout; one without a batch takes the first image."""
    if "N" not in layout:
        x = x[0]
    if not layout.endswith("C"):
        return x
    c = x.ndim - dims_of(layout) - 1
    axes = (*range(c), *range(c + 1, x.ndim), c)
    return np.ascontiguousarray(x.transpose(axes)) if isinstance(x, np.ndarray) else x.permute(axes).contiguous()


def ints(rng, low, high, count):
    """Random sizes, one for each axis."""
    return tuple(int(v) for v in rng.integers(low, high, count))


class ForeignArray:
    """An array of another library: DLPack, and a namespace that makes its kind."""

    def __init__(self, array):
        self.array = array

    @property
    def dtype(self):
        return self.array.dtype

    def __dlpack__(self, **keywords):
        return self.array.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __array_namespace__(self):
        return Namespace


class Namespace:
    asarray = ForeignArray
    iinfo = np.iinfo
