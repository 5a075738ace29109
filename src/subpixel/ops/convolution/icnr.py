"""ICNR: initial weights of a sub-pixel convolution, without checkerboard patterns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import enter
from subpixel.ops.axes import is_integer
from subpixel.ops.convolution.phases import kernel_axes, repeat_phases
from subpixel.ops.shuffle import Order, check_order
from subpixel.ops.tracing import constant, operator

__all__ = ["icnr"]


def icnr(
    shape: Sequence[int],
    r: int | Sequence[int],
    *,
    init: Callable[[tuple[int, ...]], Any] | None = None,
    generator: np.random.Generator | None = None,
    order: Order = "CRD",
) -> Any:
    """Initial weights with which a sub-pixel convolution equals a convolution followed by nearest resizing.

    Args:
        shape: the shape of the weight, ``(C*prod(r), C_in/groups, *kernel)``.
        r: the upscaling factor, or one for each kernel axis.
        init: called once with ``(C, C_in/groups, *kernel)``. It returns the weights that all phases of a channel share
            (NumPy, torch, …). Default: f32 of He's normal distribution, with deviation ``sqrt(2 / fan_in)``.
        generator: for the default ``init``; None for a new, unseeded one.
        order: of the channels before the shuffle: ``CRD`` or ``DCR``.

    Returns:
        Weights of that shape, of the kind and dtype that ``init`` returned.

    Raises:
        InvalidArgument: the first size is not divisible by ``prod(r)``, ``init`` returned another shape, or both
            ``init`` and ``generator`` are given.

    Source: Aitken et al., arXiv 1707.02937, section 3.2 ("ICNR"); He et al., arXiv 1502.01852.

    >>> import numpy as np
    >>> icnr((8, 1, 1), 4, init=lambda shape: np.array([5, 7]).reshape(shape)).ravel().tolist()
    [5, 5, 5, 5, 7, 7, 7, 7]
    """
    small, cell = _small_shape(shape, r, order, init is not None and generator is not None)
    if init is None:
        generator = generator or np.random.default_rng()
        values: Any = generator.standard_normal(small, np.float32) * np.float32(math.sqrt(2 / math.prod(small[1:])))
    else:
        values = init(small)
    return _repeat(values, small, cell, order)


@constant
def _small_shape(shape: Any, r: Any, order: Any, both: bool) -> tuple[tuple[int, ...], int]:
    """The shape of the weights that all phases share, and the number of phases, after a check of the arguments."""
    if not isinstance(shape, (tuple, list)) or not all(is_integer(n) and n >= 1 for n in shape):
        raise InvalidArgument(f"icnr: shape={shape!r}: (C*prod(r), C_in/groups, *kernel) of integers is needed")
    axes = kernel_axes("icnr", tuple(shape))
    cell = math.prod(axes.per_axis("r", r))
    check_order("icnr", order)
    if shape[0] % cell:
        raise InvalidArgument(f"icnr: shape {tuple(shape)}: a first size divisible by {cell} is needed")
    if both:
        raise InvalidArgument("icnr: both init and generator are given; pass one of them")
    small = (int(shape[0]) // cell, *(int(n) for n in shape[1:]))
    axes.check_size(shape, 4)
    return small, cell


@operator
def _repeat(values: Any, small: tuple[int, ...], cell: int, order: Order) -> Any:
    a, (base,), back = enter("icnr", values)
    if tuple(base.shape) != small:
        raise InvalidArgument(f"icnr: init returned shape {tuple(base.shape)}: {small} is needed")
    return back(repeat_phases(a, base, cell, order))
