"""Pooling and unpooling of torch tensors, by operations that torch's compilers and transforms know."""

from __future__ import annotations

import math
from typing import Any

from subpixel.errors import Unsupported
from subpixel.ops.arrays import Arithmetic
from subpixel.ops.axes import Axes
from subpixel.ops.pooling.windows import window_maxima_with_positions, windows
from subpixel.ops.tracing import all_known

__all__ = ["torch_max_pool", "torch_scatter"]

Pairs = tuple[tuple[int, int], ...]


def torch_max_pool(
    axes: Axes,
    a: Arithmetic,
    x: Any,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: Pairs,
    dilation: tuple[int, ...],
    ceil_mode: bool,
) -> tuple[Any, Any]:
    """Values and raster positions of the maxima of ``(N, C, *S)``, by torch's pooling if it supports the arguments.

    Raises:
        InvalidArgument: as :func:`subpixel.ops.pooling.windows.windows`.
        Unsupported: integers along an axis of a free size.
    """
    import torch

    sizes = tuple(x.shape[2:])
    floating = x.is_floating_point() and not any(n == 0 for n in x.shape if all_known([n]))
    usual = all(all_known(pair) and pair[0] == pair[1] <= k // 2 for pair, k in zip(padding, kernel, strict=True))
    plan = windows(axes, x.shape, kernel, stride, padding, dilation, ceil_mode) if all_known(sizes) else None
    if floating and usual:
        return _pool(x, kernel, stride, [before for before, _ in padding], dilation, ceil_mode)
    if plan is None:
        if not x.is_floating_point():
            raise Unsupported(f"{axes.op}: the size of the input is free; integers need a known one, floats do not")
        return _pool_padded(a, x, kernel, stride, padding, dilation, ceil_mode)
    with torch.no_grad():
        _, where = window_maxima_with_positions(a, x.detach(), plan)
    planes, counts = tuple(x.shape[:2]), tuple(where.shape[2:])
    values = x.reshape(*planes, math.prod(sizes)).gather(2, where.reshape(*planes, math.prod(counts)))
    return values.reshape(*planes, *counts), where


def _pool(x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> tuple[Any, Any]:
    from torch.nn import functional

    pool = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)[len(kernel) - 1]
    values, where = pool(x, kernel, stride, padding, dilation, ceil_mode=ceil_mode, return_indices=True)
    return values, where


def _pool_padded(
    a: Arithmetic, x: Any, kernel: Any, stride: Any, padding: Pairs, dilation: tuple[int, ...], ceil_mode: bool
) -> tuple[Any, Any]:
    """The padding as samples of minus infinity, and positions that are converted back to those of ``x``."""
    padded = a.pad(x, [(0, 0), (0, 0), *padding], -math.inf)
    values, rest = _pool(padded, kernel, stride, [0] * len(kernel), dilation, ceil_mode)
    where, pitch = 0, 1
    for axis in reversed(range(len(kernel))):
        side = padded.shape[2 + axis]
        at, rest = rest % side - padding[axis][0], rest // side
        # In a window of minus infinities, the first one may be padding. The first sample of it that exists is meant.
        where = where + a.where(at < 0, at % dilation[axis], at) * pitch
        pitch = pitch * x.shape[2 + axis]
    return values, where


def torch_scatter(values: Any, places: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of a shape with the values at their positions in the whole tensor; of several at one position, the last.

    torch does not define the order of writing. So the last value of each position is found first, by its number; the
    others go to a place of their own, which is cut off.
    """
    import torch

    total = math.prod(shape)
    flat, places = values.reshape(-1), places.reshape(-1)
    number = torch.arange(flat.shape[0], device=flat.device)
    last = torch.full((total,), -1, dtype=torch.int64, device=flat.device)
    last = last.scatter_reduce(0, places, number, "amax")
    places = torch.where(last.gather(0, places) == number, places, total)
    return flat.new_zeros((total + 1,)).scatter(0, places, flat)[:total].reshape(shape)
