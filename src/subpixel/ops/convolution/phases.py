"""Splits kernels of transposed convolutions into phases, and joins phases to kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument, Unsupported
from subpixel.ops.arrays import Arithmetic, Back, enter
from subpixel.ops.axes import Axes, parse_layout
from subpixel.ops.tracing import shows_values

__all__ = ["dilate", "enter_kernel", "join_phases", "kernel_axes", "merge_phases", "repeat_phases", "split_phases"]


def enter_kernel(op: str, weight: Any, bias: Any) -> tuple[Arithmetic, Any, Any, Axes, Back]:
    """Enter the arithmetic: ``(arithmetic, weight, bias, axes of the kernel, conversion back)``."""
    a, arrays, back = enter(op, *(v for v in (weight, bias) if v is not None))
    axes = kernel_axes(op, tuple(int(n) for n in arrays[0].shape))
    return a, arrays[0], None if bias is None else arrays[1], axes, back


def kernel_axes(op: str, shape: tuple[int, ...]) -> Axes:
    """The axes of the data that a weight of this shape is for."""
    if len(shape) not in (3, 4, 5) or min(shape) < 1:
        raise InvalidArgument(
            f"{op}: weight of shape {shape}: two channel sizes and one to three kernel sizes of at least 1 are needed"
        )
    return parse_layout(op, ("NCW", "NCHW", "NCDHW")[len(shape) - 3])


def dilate(axes: Axes, a: Arithmetic, weight: Any, dilation: Sequence[int]) -> Any:
    """Insert ``dilation - 1`` zeros between the taps of a kernel."""
    if all(d == 1 for d in dilation):
        return weight
    lead, kernel = tuple(weight.shape[:2]), tuple(int(k) for k in weight.shape[2:])
    axes.check_size((*lead, *(k * d for k, d in zip(kernel, dilation, strict=True))), 8)
    apart = a.reshape(weight, (*lead, *(n for k in kernel for n in (k, 1))))
    widths = [(0, 0), (0, 0), *(width for d in dilation for width in ((0, 0), (0, d - 1)))]
    wide = a.reshape(a.pad(apart, widths, 0), (*lead, *(k * d for k, d in zip(kernel, dilation, strict=True))))
    return wide[(..., *(slice(0, (k - 1) * d + 1) for k, d in zip(kernel, dilation, strict=True)))]


def split_phases(a: Arithmetic, weight: Any, r: Sequence[int], taps: Sequence[int], groups: int, order: str) -> Any:
    """From ``(C_in, C/groups, *K)`` to ``(C*prod(r), C_in/groups, *taps)``: flipped, zero-padded phases as channels."""
    inputs, outputs, *kernel = (int(n) for n in weight.shape)
    ends = [(0, u * s - k) for u, s, k in zip(taps, r, kernel, strict=True)]
    whole = a.pad(weight, [(0, 0), (0, 0), *ends], 0)
    parts = a.reshape(
        whole, (groups, inputs // groups, outputs, *(n for pair in zip(taps, r, strict=True) for n in pair))
    )
    y = _flip(a, parts, range(3, parts.ndim, 2))
    y = a.transpose(y, _split_axes(len(r), order))
    return a.reshape(a.copy(y), (groups * outputs * math.prod(r), inputs // groups, *taps))


def join_phases(a: Arithmetic, weight: Any, r: Sequence[int], groups: int, order: str) -> Any:
    """The inverse of :func:`split_phases`: ``(C*prod(r), C_in/groups, *U)`` to ``(C_in, C/groups, *(U*r))``."""
    rows, inputs, *taps = (int(n) for n in weight.shape)
    outputs = rows // math.prod(r) // groups
    order_of_axes = _split_axes(len(r), order)
    sizes = (groups, inputs, outputs, *(n for pair in zip(taps, r, strict=True) for n in pair))
    parts = a.reshape(weight, tuple(sizes[axis] for axis in order_of_axes))
    y = a.transpose(parts, tuple(int(n) for n in np.argsort(order_of_axes)))
    y = _flip(a, y, range(3, y.ndim, 2))
    return a.reshape(a.copy(y), (groups * inputs, outputs, *(u * s for u, s in zip(taps, r, strict=True))))


def _split_axes(dims: int, order: str) -> tuple[int, ...]:
    """The permutation from (group, input, output, taps, phase, taps, phase …) to a sub-pixel convolution's weight."""
    taps, cells = range(3, 3 + 2 * dims, 2), range(4, 4 + 2 * dims, 2)
    return (0, 2, *cells, 1, *taps) if order == "CRD" else (*cells, 0, 2, 1, *taps)


def _flip(a: Arithmetic, x: Any, axes: Sequence[int]) -> Any:
    for axis in axes:
        x = a.take(x, np.arange(int(x.shape[axis]))[::-1], axis)
    return x


def repeat_phases(a: Arithmetic, x: Any, cell: int, order: str) -> Any:
    """From ``(C, …)`` to ``(C*cell, …)``: equal values for all phases of a channel."""
    c, *rest = (int(n) for n in x.shape)
    y = a.expand(x[:, None], (c, cell, *rest)) if order == "CRD" else a.expand(x[None], (cell, c, *rest))
    return a.reshape(a.copy(y), (c * cell, *rest))


def merge_phases(op: str, a: Arithmetic, x: Any, cell: int, order: str) -> Any:
    """The inverse of :func:`repeat_phases` for a bias. InvalidArgument if the phases differ."""
    c = int(x.shape[0]) // cell
    phases = a.reshape(x, (c, cell)) if order == "CRD" else a.transpose(a.reshape(x, (cell, c)), (1, 0))
    if not shows_values(phases):
        raise Unsupported(
            f"{op}: whether the bias is equal for all phases of a channel is not known while torch.compile, "
            "torch.export or vmap traces; convert the weights before"
        )
    if bool((phases != phases[:, :1]).any()):
        raise InvalidArgument(
            f"{op}: the bias differs between the {cell} phases of a channel; a transposed convolution needs equal ones"
        )
    return a.copy(phases[:, 0])
