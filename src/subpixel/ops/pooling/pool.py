"""Max pooling that returns the positions of the maxima, and its inverses: max unpooling and average unpooling.

Two countings of positions are in use and easily confused, so the counting is a named argument:

``indices="torch"``
    flat in one plane, in raster order: ``h*W + w``.
``indices="onnx"``
    flat over the whole channels-first tensor ``(N, C, H, W)``, whatever the layout here: ``((n*C + c)*H + h)*W + w``.
    With ``storage_order=1``, column-major within each plane: ``(n*C + c)*H*W + h + w*H``.

Padding is not counted: positions are those of the unpadded input.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import Arithmetic, enter
from subpixel.ops.axes import Axes, Layout, Padding, parse_layout
from subpixel.ops.pooling.compiled import in_windows_compiled, max_unpool_compiled
from subpixel.ops.pooling.positions import (
    PositionPlane,
    check_counting,
    check_range,
    convert_positions,
    raster_positions,
    refuse_other_plane,
)
from subpixel.ops.pooling.torch_pool import torch_max_pool, torch_scatter
from subpixel.ops.pooling.windows import window_maxima, window_maxima_with_positions, windows
from subpixel.ops.tracing import all_known, operator, shows_values

__all__ = ["Counting", "average_unpool", "max_pool", "max_unpool"]

Counting = Literal["torch", "onnx"]


@operator
def max_pool(
    x: Any,
    kernel: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: Padding = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
    layout: Layout = "NCHW",
    indices: Counting = "torch",
    storage_order: int = 0,
) -> Any:
    """Max pooling: the largest sample of every window, and optionally its position.

    Args:
        x: integers or floats, ``(N, C, H, W)`` for ``layout="NCHW"``.
        kernel: samples of a window, one number or one for each spatial axis.
        stride: the distance between windows; None for ``kernel``.
        padding: samples before and after each axis that are never the largest: one number, one for each axis, pairs
            ``(before, after)``, or ``"same"``, ``"same_lower"``, ``"valid"`` (ONNX: SAME_UPPER, SAME_LOWER, VALID).
        dilation: the distance between the samples of a window.
        ceil_mode: add the last window if it begins inside the input or its leading padding but ends beyond.
        return_indices: return ``(values, indices)``.
        layout: ``NCW``, ``NCHW``, ``NCDHW``, ``NWC``, ``NHWC``, ``NDHWC``, or any of these without ``N``.
        indices: the counting of positions, ``torch`` or ``onnx``; see the module's text.
        storage_order: 0 for row-major, or with ``indices="onnx"`` 1 for column-major within a plane.

    Returns:
        ``(N, C, H', W')`` with ``H' = floor((H + before + after - dilation*(kernel - 1) - 1) / stride) + 1`` in the
        dtype of ``x``. The indices are int64 of the same shape. Of equal maxima, the first in raster order counts. A
        window with NaN gives NaN, at the position of its last NaN (as in torch).

    Raises:
        InvalidArgument: an argument is out of range, or a window is larger than the padded input or contains only
            padding.

    Source: torch ``max_pool2d``; the ONNX operator MaxPool, opset 22.

    >>> import numpy as np
    >>> values, where = max_pool(np.array([[[[1, 2, 6, 3], [5, 1, 1, 1]]]]), 2, return_indices=True)
    >>> values.tolist(), where.tolist()
    ([[[[5, 6]]]], [[[[4, 2]]]])
    """
    axes = parse_layout("max_pool", layout)
    kernels = axes.per_axis("kernel", kernel)
    strides = kernels if stride is None else axes.per_axis("stride", stride)
    dilations = axes.per_axis("dilation", dilation)
    check_counting(axes, indices, storage_order)
    a, (x,), back = enter(axes.op, x)
    x = axes.planes(a, x)
    if not a.dtype(x).startswith(("int", "uint", "float", "bfloat")):
        raise InvalidArgument(f"max_pool: dtype {a.dtype(x)}: integers or floats are needed")
    shape = tuple(x.shape)
    span = [d * (k - 1) + 1 for d, k in zip(dilations, kernels, strict=True)]
    pads = axes.padding(padding, shape[2:], span, strides)
    arguments = (kernels, strides, pads, dilations, bool(ceil_mode))
    where = None
    if a.name == "torch":
        values, where = torch_max_pool(axes, a, x, *arguments)
    elif return_indices:
        values, where = window_maxima_with_positions(a, x, windows(axes, shape, *arguments))
    else:
        values = window_maxima(x, windows(axes, shape, *arguments))
    values = back(axes.restore(a, values))
    if not return_indices:
        return values
    return values, back(axes.restore(a, convert_positions(where, shape, indices, storage_order, a, x)))


@operator
def max_unpool(
    values: Any,
    positions: Any,
    kernel: int | Sequence[int],
    *,
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int | tuple[int, int]] = 0,
    output_size: Sequence[int] | None = None,
    indices_size: Sequence[int] | None = None,
    layout: Layout = "NCHW",
    indices: Counting = "torch",
    storage_order: int = 0,
) -> Any:
    """Max unpooling: values at the positions where :func:`max_pool` found them, zeros elsewhere.

    Args:
        values: ``(N, C, H', W')``, any dtype.
        positions: integers of the same shape, the indices that ``max_pool(..., return_indices=True)`` returned.
        kernel: as for :func:`max_pool`.
        stride: as for :func:`max_pool`.
        padding: as for :func:`max_pool`, in numbers.
        output_size: ``(H, W)`` or the whole shape of the result. It must differ by less than one stride from the
            default ``(H' - 1)*stride - before - after + kernel``, since several input sizes pool to the same size.
        indices_size: the ``(H, W)`` in which positions are counted, if it is smaller than the result, which then gets
            zeros after it (ONNX's definition of ``output_shape``). Default: the size of the result.
        layout: ``NCW``, ``NCHW``, ``NCDHW``, ``NWC``, ``NHWC``, ``NDHWC``, or any of these without ``N``.
        indices: the counting of positions, ``torch`` or ``onnx``; see the module's text.
        storage_order: 0 for row-major, or with ``indices="onnx"`` 1 for column-major within a plane.

    Returns:
        ``(N, C, H, W)`` in the dtype of ``values``. Of several values at one position, the last in raster order is
        stored (torch leaves this undefined), and the others get no gradient.

    Raises:
        InvalidArgument: an argument is out of range, shapes differ, a position lies outside the result, or all
            positions are those of a plane of another size or of another counting. Values that are traced or vectorised
            (``torch.compile``, ``torch.export``, ``vmap``) are not compared.

    Source: torch ``max_unpool2d``; the ONNX operator MaxUnpool, opset 22.

    >>> import numpy as np
    >>> max_unpool(np.array([[[[5, 6]]]]), np.array([[[[4, 2]]]]), 2)[0, 0].tolist()
    [[0, 0, 6, 0], [5, 0, 0, 0]]
    """
    axes = parse_layout("max_unpool", layout)
    kernels = axes.per_axis("kernel", kernel)
    strides = kernels if stride is None else axes.per_axis("stride", stride)
    pads = axes.pairs("padding", padding)
    check_counting(axes, indices, storage_order)
    a, (values, positions), back = enter(axes.op, values, positions)
    if tuple(values.shape) != tuple(positions.shape):
        raise InvalidArgument(
            f"max_unpool: values of shape {tuple(values.shape)} and positions of shape {tuple(positions.shape)}: "
            f"equal shapes are needed"
        )
    if not a.dtype(positions).startswith(("int", "uint")):
        raise InvalidArgument(f"max_unpool: positions of dtype {a.dtype(positions)}: integers are needed")
    values, positions = axes.planes(a, values), axes.planes(a, positions)
    size = _unpool_size(axes, tuple(values.shape[2:]), kernels, strides, pads, output_size)
    inner = size if indices_size is None else axes.spatial_sizes("indices_size", indices_size)
    if all_known((*inner, *size)) and any(i > n for i, n in zip(inner, size, strict=True)):
        raise InvalidArgument(f"max_unpool: indices_size {inner}: at most the size of the result, {size}, is possible")
    shape = (*values.shape[:2], *inner)
    axes.check_size((*shape[:2], *size), 8)
    plane = PositionPlane(inner, indices, storage_order, kernels, strides, pads)
    y = max_unpool_compiled(values, positions, shape, indices, storage_order) if a.name == "numpy" else None
    if y is not None:
        refuse_other_plane(axes, a, positions, plane, in_windows_compiled(positions, plane))
    else:
        if shows_values(positions):
            check_range(axes, a, positions, plane)
            refuse_other_plane(axes, a, positions, plane, None)
        elif indices == "torch":
            # A position beyond its plane would be one in the next plane; below 0 it is an error of torch later on.
            positions = a.where((positions >= 0) & (positions < math.prod(inner)), positions, -math.prod(shape))
        places = raster_positions(a, positions, shape, indices, storage_order)
        y = _scatter(a, values, places, shape) if a.name == "numpy" else torch_scatter(values, places, shape)
    if inner != size:
        y = a.pad(y, [(0, 0), (0, 0), *((0, n - i) for n, i in zip(size, inner, strict=True))], 0)
    return back(axes.restore(a, y))


@operator
def average_unpool(x: Any, kernel: int | Sequence[int], *, layout: Layout = "NCHW") -> Any:
    """Average unpooling: repeat every sample over a window. Average pooling of the result gives ``x``.

    This is nearest upsampling by integer factors.

    Args:
        x: any dtype, ``(N, C, H, W)`` for ``layout="NCHW"``.
        kernel: the factor, one number or one for each spatial axis.
        layout: ``NCW``, ``NCHW``, ``NCDHW``, ``NWC``, ``NHWC``, ``NDHWC``, or any of these without ``N``.

    Returns:
        ``(N, C, H*kernel, W*kernel)`` in the dtype of ``x``.

    Raises:
        InvalidArgument: a factor is below 1, the number of axes is wrong, or the result is larger than 256 GiB of f64.

    Source: torch ``UpsamplingNearest2d`` with an integer ``scale_factor``.

    >>> import numpy as np
    >>> average_unpool(np.array([[[1, 2]]]), (1, 2), layout="CHW").tolist()
    [[[1, 1, 2, 2]]]
    """
    axes = parse_layout("average_unpool", layout)
    factors = axes.per_axis("kernel", kernel)
    a, (x,), back = enter(axes.op, x)
    axes.check_rank(x)
    lead, channels, sides = axes.sizes(x)
    grid = [side * f for side, f in zip(sides, factors, strict=True)]
    axes.check_size((*lead, channels, *grid), 8)
    front, end = ((*lead, channels), ()) if axes.first else (lead, (channels,))
    split = [n for side in sides for n in (side, 1)]
    wide = [n for side, f in zip(sides, factors, strict=True) for n in (side, f)]
    y = a.expand(a.reshape(x, (*front, *split, *end)), (*front, *wide, *end))
    return back(a.reshape(a.copy(y), (*front, *grid, *end)))


def _unpool_size(
    axes: Axes,
    counts: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    output_size: Any,
) -> tuple[int, ...]:
    default = tuple(
        (n - 1) * s + k - before - after
        for n, k, s, (before, after) in zip(counts, kernel, stride, padding, strict=True)
    )
    size = default if output_size is None else axes.spatial_sizes("output_size", output_size)
    if not all_known((*size, *default)):
        return size  # a comparison would bind the free sizes
    if any(abs(n - usual) >= s for n, usual, s in zip(size, default, stride, strict=True)):
        raise InvalidArgument(
            f"{axes.op}: output_size {size}: kernel {kernel}, stride {stride} and padding {padding} lead from "
            f"{counts} to {default}; sizes that differ by less than one stride are possible"
        )
    if any(n < 1 for n in size):
        raise InvalidArgument(
            f"{axes.op}: kernel {kernel}, stride {stride} and padding {padding} lead to size {size}; "
            "at least 1 is needed"
        )
    return size


def _scatter(a: Arithmetic, values: Any, places: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with the values at their positions in it; of several values at one position, the last."""
    y = a.zeros((math.prod(shape),), values)
    y[a.reshape(places, (-1,))] = a.reshape(values, (-1,))  # of repeated positions, NumPy stores the last
    return a.reshape(y, shape)
