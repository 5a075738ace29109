"""Convolutions by the compiled module, on f32 NumPy arrays with one or two spatial axes.

The module computes all of them as sub-pixel convolutions. It sums in f32 over input channel, kernel row and kernel
column, whatever the number of threads and the tile. NumPy sums in the order of its matrix product. Both differ from the
exact sum of ``n`` products by at most about ``n * 2**-24 * sum(|x * weight|)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.ops.arrays import NumpyArithmetic
from subpixel.ops.convolution.numpy_conv import Operands
from subpixel.ops.convolution.phases import repeat_phases, split_phases
from subpixel.ops.native import available_threads, forced_target, native_module

__all__ = ["conv_transpose_compiled", "subpixel_conv_compiled"]

# The limits of the compiled kernel, by its buffers for a row. Beyond them, NumPy computes.
_MAX_REACH, _MAX_STRIDE, _MAX_FACTOR = 4096, 64, 1024
_MAX_CHANNELS = 1 << 20
_MIN_PARALLEL_PRODUCTS = 1 << 18  # fewer are summed before another thread has started


def subpixel_conv_compiled(
    given: Operands,
    sizes: Sequence[int],
    *,
    stride: Sequence[int],
    dilation: Sequence[int],
    before: Sequence[int],
    r: Sequence[int],
    crop: Sequence[int],
    order: str = "CRD",
) -> NDArray[Any] | None:
    """The part of so many ``sizes`` at ``crop`` of a shuffled convolution, in the layout of the call; None where the
    compiled module is not here or has no such case."""
    if not _is_supported(given) or given.weight.shape[0] % math.prod(r):
        return None
    return _run(given, given.weight, given.bias, sizes, stride, dilation, before, r, r, crop, order)


def conv_transpose_compiled(
    given: Operands, sizes: Sequence[int], *, stride: Sequence[int], crop: Sequence[int]
) -> NDArray[Any] | None:
    """A transposed convolution likewise, by its phases; see :mod:`subpixel.ops.convolution.convert`."""
    # Beyond the input lie zeros, which a weight that is no number must not meet.
    if not _is_supported(given) or max(stride) > _MAX_FACTOR or not np.isfinite(given.weight).all():
        return None
    a = NumpyArithmetic()
    taps = [math.ceil(k / s) for k, s in zip(given.kernel, stride, strict=True)]
    weight = split_phases(a, given.weight, stride, taps, given.groups, "CRD")
    bias = None if given.bias is None else repeat_phases(a, given.bias, math.prod(stride), "CRD")
    ones = (1,) * given.axes.dims
    # Phases from here on are a tap shorter. That tap is not a zero but none at all: zero times infinity is NaN.
    full = [k - (u - 1) * s for k, u, s in zip(given.kernel, taps, stride, strict=True)]
    return _run(given, weight, bias, sizes, ones, ones, [u - 1 for u in taps], stride, full, crop, "CRD")


def _is_supported(given: Operands) -> bool:
    arrays = [v for v in (given.x, given.weight, given.bias) if v is not None]
    return (
        given.a.name == "numpy"
        and given.axes.dims < 3
        and given.x.size > 0
        and all(v.dtype == np.float32 for v in arrays)
        and native_module() is not None
    )


def _run(
    given: Operands,
    weight: NDArray[Any],
    bias: NDArray[Any] | None,
    sizes: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    before: Sequence[int],
    r: Sequence[int],
    full: Sequence[int],
    crop: Sequence[int],
    order: str,
) -> NDArray[Any] | None:
    reach = max(d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True))
    if max(stride) > _MAX_STRIDE or max(r) > _MAX_FACTOR or max(reach, *dilation) > _MAX_REACH:
        return None
    if len(weight) > _MAX_CHANNELS or given.x.shape[1] > _MAX_CHANNELS:
        return None
    module = native_module()
    assert module is not None
    axes, x = given.axes, given.x
    line = axes.dims == 1  # an image of one row
    x, weight = (v[:, :, None] if line else v for v in (x, weight))
    shape = (x.shape[0], len(weight) // math.prod(r), *(1,) * line, *sizes)
    if not axes.first:
        x, shape = x.transpose(0, 2, 3, 1), (shape[0], *shape[2:], shape[1])
    y = np.empty(shape, np.float32)
    pairs = [
        ((one,) * line + tuple(v)) for one, v in ((1, stride), (1, dilation), (0, before), (1, r), (1, full), (0, crop))
    ]
    threads = available_threads() if y.size * given.terms >= _MIN_PARALLEL_PRODUCTS else 1
    module.subpixel_conv(
        np.ascontiguousarray(x),
        np.ascontiguousarray(weight),
        None if bias is None else np.ascontiguousarray(bias),
        y,
        given.groups,
        *pairs,
        order == "CRD",
        not axes.first,
        threads,
        forced_target(),
    )
    y = y[:, :, 0] if line and axes.first else y[:, 0] if line else y
    return y if "N" in axes.layout else y[0]
