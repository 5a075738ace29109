"""Pixel shuffle and its inverse: from r*r channels to an r times larger grid, and back.

Two orders of the channels are in use and easily confused, so the order is a named argument:

``CRD`` (column-row-depth; PyTorch, PaddlePaddle, the ESPCN paper)
    ``out[n, c, h*r + i, w*r + j] = x[n, c*r*r + i*r + j, h, w]``
``DCR`` (TensorFlow ``depth_to_space``, default of ONNX ``DepthToSpace``)
    ``out[n, c, h*r + i, w*r + j] = x[n, (i*r + j)*C + c, h, w]``

They are equal only if the result has one channel. With one or three spatial axes, the position in the cell in raster
order takes the place of ``i*r + j``. With a factor for each axis, ``(r_h, r_w)``, it is ``i*r_w + j``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument, unknown
from subpixel.ops.arrays import enter
from subpixel.ops.axes import Axes, Layout, parse_layout
from subpixel.ops.native import available_threads, forced_target, native_module
from subpixel.ops.tracing import all_known, operator

__all__ = ["Layout", "Order", "depth_to_space", "pixel_shuffle", "pixel_unshuffle", "space_to_depth"]

Order = Literal["CRD", "DCR"]

# The compiled shuffle has tables over the channels of a pixel. With more channels, NumPy's copy is as fast.
_MAX_CHANNELS = 4096
_MIN_PARALLEL_BYTES = 1 << 20  # fewer are copied before another thread has started

_NAMES = {"D": "depth", "H": "height", "W": "width"}


@operator
def pixel_shuffle(x: Any, r: int | Sequence[int], *, layout: Layout = "NCHW", order: Order = "CRD") -> Any:
    """Move groups of ``r*r`` channels into an ``r`` times finer grid.

    Args:
        x: array of any dtype, ``(N, C*r*r, H, W)`` for ``layout="NCHW"``, likewise for other layouts
            (``(N, C*r, W)``, ``(N, C*r*r*r, D, H, W)``): NumPy, torch, or any array with DLPack.
        r: the upscaling factor, at least 1, or one for each spatial axis.
        layout: the order of the axes: ``NCW``, ``NCHW``, ``NCDHW``, with channels last ``NWC``, ``NHWC``, ``NDHWC``, or
            any of these without the batch axis ``N``.
        order: ``CRD`` (torch, Paddle) or ``DCR`` (TensorFlow, ONNX), see the module's text.

    Returns:
        A new array ``(N, C, H*r, W*r)`` in the same layout and dtype.

    Raises:
        InvalidArgument: ``r`` is below 1, the number of axes is wrong, channels are not divisible by ``r*r``, or the
            layout or order is unknown.

    Source: Shi et al., arXiv 1609.05158, equation 4; the ONNX operator DepthToSpace.

    >>> import numpy as np
    >>> pixel_shuffle(np.arange(4).reshape(1, 4, 1, 1), 2)[0, 0].tolist()
    [[0, 1], [2, 3]]
    >>> pixel_shuffle(np.arange(6).reshape(2, 3), 2, layout="CW").tolist()
    [[0, 3, 1, 4, 2, 5]]
    """
    return _to_space("pixel_shuffle", "r", x, r, layout, order)


@operator
def pixel_unshuffle(x: Any, r: int | Sequence[int], *, layout: Layout = "NCHW", order: Order = "CRD") -> Any:
    """The exact inverse of :func:`pixel_shuffle`: from ``(N, C, H*r, W*r)`` to ``(N, C*r*r, H, W)``.

    Args:
        x: array of any dtype, ``(N, C, H*r, W*r)`` for ``layout="NCHW"``, likewise for other layouts.
        r: the downscaling factor, at least 1, or one for each spatial axis.
        layout: ``NCW``, ``NCHW``, ``NCDHW``, ``NWC``, ``NHWC``, ``NDHWC``, or any of these without ``N``.
        order: ``CRD`` or ``DCR``; the order of the shuffle to undo.

    Returns:
        A new array ``(N, C*r*r, H, W)`` in the same layout and dtype.

    Raises:
        InvalidArgument: ``r`` is below 1, the number of axes is wrong, sides are not divisible by ``r``, or the layout
            or order is unknown.

    Source: the ONNX operator SpaceToDepth (there ``DCR``), torch ``pixel_unshuffle`` (``CRD``).

    >>> import numpy as np
    >>> pixel_unshuffle(np.arange(4).reshape(1, 1, 2, 2), 2)[0, :, 0, 0].tolist()
    [0, 1, 2, 3]
    """
    return _to_depth("pixel_unshuffle", "r", x, r, layout, order)


@operator
def depth_to_space(x: Any, blocksize: int | Sequence[int], *, layout: Layout = "NCHW", order: Order = "DCR") -> Any:
    """TensorFlow's and ONNX's name of :func:`pixel_shuffle`, with their default order.

    Args:
        x: array of any dtype, ``(N, C*b*b, H, W)`` for ``layout="NCHW"``.
        blocksize: the factor ``b``, at least 1, or one for each spatial axis.
        layout: ``NCW``, ``NCHW``, ``NCDHW``, ``NWC``, ``NHWC``, ``NDHWC``, or any of these without ``N``. TensorFlow's
            default is ``NHWC``; here it is ``NCHW`` everywhere.
        order: ``DCR`` (TensorFlow; ONNX's default mode) or ``CRD``.

    Returns:
        A new array ``(N, C, H*b, W*b)`` in the same layout and dtype.

    Raises:
        InvalidArgument: as :func:`pixel_shuffle`.

    Source: the ONNX operator DepthToSpace, opset 13; ``tf.nn.depth_to_space``.

    >>> import numpy as np
    >>> depth_to_space(np.arange(8).reshape(1, 8, 1, 1), 2)[0, 0].tolist()
    [[0, 2], [4, 6]]
    """
    return _to_space("depth_to_space", "blocksize", x, blocksize, layout, order)


@operator
def space_to_depth(x: Any, blocksize: int | Sequence[int], *, layout: Layout = "NCHW", order: Order = "DCR") -> Any:
    """TensorFlow's and ONNX's name of :func:`pixel_unshuffle`, with their default order.

    Args:
        x: array of any dtype, ``(N, C, H*b, W*b)`` for ``layout="NCHW"``.
        blocksize: the factor ``b``, at least 1, or one for each spatial axis.
        layout: ``NCW``, ``NCHW``, ``NCDHW``, ``NWC``, ``NHWC``, ``NDHWC``, or any of these without ``N``.
        order: ``DCR`` or ``CRD``; the order of the shuffle to undo.

    Returns:
        A new array ``(N, C*b*b, H, W)`` in the same layout and dtype.

    Raises:
        InvalidArgument: as :func:`pixel_unshuffle`.

    Source: the ONNX operator SpaceToDepth, opset 13; ``tf.nn.space_to_depth``.

    >>> import numpy as np
    >>> space_to_depth(np.arange(8).reshape(1, 2, 2, 2), 2)[0, :, 0, 0].tolist()
    [0, 4, 1, 5, 2, 6, 3, 7]
    """
    return _to_depth("space_to_depth", "blocksize", x, blocksize, layout, order)


def _to_space(op: str, name: str, x: Any, r: Any, layout: str, order: str) -> Any:
    """From channels to the grid."""
    return _shuffle(op, name, x, r, layout, order, inverse=False)


def _to_depth(op: str, name: str, x: Any, r: Any, layout: str, order: str) -> Any:
    """From the grid to channels."""
    return _shuffle(op, name, x, r, layout, order, inverse=True)


def _shuffle(op: str, name: str, x: Any, r: Any, layout: str, order: str, *, inverse: bool) -> Any:
    if type(x) is not np.ndarray:
        _check_arguments(op, name, r, layout, order)  # so that these errors come before those of the array
    a, (x,), back = enter(op, x)
    # 1 and True are equal as keys of a cache, but True is not a valid factor.
    cacheable = type(r) is int or (type(r) is tuple and all(type(f) is int for f in r))
    cacheable = cacheable and (a.name == "numpy" or all_known(x.shape))
    make = _cached_plan if cacheable and type(layout) is str and type(order) is str else _plan
    plan = make(op, name, tuple(x.shape), r, layout, order, inverse)
    compiled = _run_compiled(x, plan) if a.name == "numpy" else None
    if compiled is not None:
        return back(compiled)
    split = a.reshape(x, plan.split)
    return back(a.reshape(a.copy(a.transpose(split, plan.permutation)), plan.shape))


class _ShufflePlan(NamedTuple):
    """Everything that follows from the shape and the arguments."""

    shape: tuple[int, ...]  # of the result
    # The shape with every axis split into its parts, and the order of the parts in the result.
    split: tuple[int, ...]
    permutation: tuple[int, ...]
    # n, c, h, w, rh and rw for the compiled shuffle (None if it does not support the case), and its flags: channels
    # last, order CRD, inverse.
    sizes: tuple[int, ...] | None
    flags: tuple[bool, bool, bool]


def _plan(op: str, name: str, given: tuple[int, ...], r: Any, layout: str, order: str, inverse: bool) -> _ShufflePlan:
    axes, factors = _check_arguments(op, name, r, layout, order)
    axes.check_rank_of(given)
    lead, channels, sides = axes.split(given)
    cell = math.prod(factors)
    if inverse:
        _check_sides(axes, name, given, sides, factors)
        c, channels = channels, channels * cell
        sides = tuple(side // f for side, f in zip(sides, factors, strict=True))
    else:
        _check_channels(axes, name, given, channels, factors)
        c = channels // cell
    grid = tuple(side * f for side, f in zip(sides, factors, strict=True))
    last, ends = (channels, sides) if inverse else (c, grid)
    shape = (*lead, last, *ends) if axes.first else (*lead, *ends, last)
    packed, spread = _parts(axes, order)
    source, target = (spread, packed) if inverse else (packed, spread)
    lengths = (c, *factors, *sides)
    split = (*lead, *[lengths[part] for part in source])
    sizes = None
    if all_known(given) and axes.dims <= 2 and c * cell <= _MAX_CHANNELS and 0 not in given:
        h, w = sides if axes.dims == 2 else (1, *sides)
        rh, rw = factors if axes.dims == 2 else (1, *factors)
        sizes = (math.prod(lead), c, h, w, rh, rw)
    return _ShufflePlan(
        shape, split, _permutation(source, target, len(lead)), sizes, (not axes.first, order == "CRD", inverse)
    )


_cached_plan = functools.lru_cache(maxsize=256)(_plan)


def _check_channels(axes: Axes, name: str, shape: tuple[int, ...], channels: int, factors: tuple[int, ...]) -> None:
    cell = math.prod(factors)
    if channels % cell:
        product = "*".join([name] * axes.dims if len(set(factors)) == 1 else map(str, factors))
        raise InvalidArgument(
            f"{axes.op}: {channels} channels of shape {shape} ({axes.layout}) are not divisible by "
            f"{product} = {cell}; a multiple of {cell} channels is needed"
        )


def _check_sides(
    axes: Axes, name: str, shape: tuple[int, ...], grid: tuple[int, ...], factors: tuple[int, ...]
) -> None:
    if any(side % f for side, f in zip(grid, factors, strict=True)):
        named = [f"{_NAMES[letter]} {side}" for letter, side in zip(axes.spatial, grid, strict=True)]
        listed = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
        verb = ("is not", "are not both", "are not all")[axes.dims - 1]
        given = factors[0] if len(set(factors)) == 1 else factors
        raise InvalidArgument(
            f"{axes.op}: {listed} of shape {shape} ({axes.layout}) {verb} divisible by {name} = {given}"
        )


def _check_arguments(op: str, name: str, r: Any, layout: Any, order: Any) -> tuple[Axes, tuple[int, ...]]:
    axes = parse_layout(op, layout)
    check_order(op, order)
    return axes, axes.per_axis(name, r)


def check_order(op: str, order: Any) -> None:
    """Raise InvalidArgument unless the order is ``CRD`` or ``DCR``."""
    if not isinstance(order, str) or order not in ("CRD", "DCR"):
        raise unknown("order", order, ("CRD", "DCR"), where=op)


@functools.cache
def _parts(axes: Axes, order: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The split axes of both forms, channels and grid: 0 is the channel, then come the cells, then the sides."""
    cells = range(1, axes.dims + 1)
    sides = range(axes.dims + 1, 2 * axes.dims + 1)
    channels = (0, *cells) if order == "CRD" else (*cells, 0)
    grid = tuple(part for pair in zip(sides, cells, strict=True) for part in pair)
    return ((*channels, *sides), (0, *grid)) if axes.first else ((*sides, *channels), (*grid, 0))


@functools.cache
def _permutation(source: tuple[int, ...], target: tuple[int, ...], lead: int) -> tuple[int, ...]:
    return (*range(lead), *(lead + source.index(part) for part in target))


def _run_compiled(x: NDArray[Any], plan: _ShufflePlan) -> NDArray[Any] | None:
    """Shuffle by the compiled module; None if it is not installed or does not support the case."""
    module = native_module()
    dtype = x.dtype
    item = dtype.itemsize
    if module is None or plan.sizes is None or dtype.kind not in "biufc" or item not in (1, 2, 4, 8):
        return None
    out = np.empty(plan.shape, dtype)
    threads = available_threads() if x.nbytes >= _MIN_PARALLEL_BYTES else 1
    given, result = np.ascontiguousarray(x), out
    if not dtype.isnative:  # the module supports no swapped dtypes, but can move them as bytes
        given, result = given.reshape(-1).view(np.uint8), out.reshape(-1).view(np.uint8)
    module.shuffle(given, result, *plan.sizes, item, *plan.flags, threads, forced_target())
    return out
