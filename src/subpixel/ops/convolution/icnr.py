"""ICNR: the start of a sub-pixel convolution that shows no checkerboard."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import enter
from subpixel.ops.axes import is_whole
from subpixel.ops.convolution.phases import each_phase, kernel_axes
from subpixel.ops.shuffle import Order, check_order

__all__ = ["icnr"]


def icnr(
    shape: Sequence[int],
    r: int | Sequence[int],
    *,
    init: Callable[[tuple[int, ...]], Any] | None = None,
    generator: np.random.Generator | None = None,
    order: Order = "CRD",
) -> Any:
    """Weights with which a sub-pixel convolution starts as a convolution followed by nearest resizing: no checkerboard.

    Args:
        shape: of the weight, ``(C*prod(r), C_in/groups, *kernel)``.
        r: upscaling factor, or one for each kernel axis.
        init: called once with ``(C, C_in/groups, *kernel)``, gives the weights that all phases of a channel share
            (NumPy, torch, …); by default f32 of He's normal distribution, deviation ``sqrt(2 / fan_in)``.
        generator: of the default; a new unseeded one where it is None.
        order: of the channels before the shuffle.

    Returns:
        Weights of that shape, of the kind and dtype that ``init`` gave.

    Raises:
        InvalidArgument: a first size not divisible by ``prod(r)``, or an ``init`` that gives another shape.

    Source: Aitken et al., arXiv 1707.02937, section 3.2 ("ICNR"); He et al., arXiv 1502.01852.

    >>> import numpy as np
    >>> icnr((8, 1, 1), 4, init=lambda shape: np.array([5, 7]).reshape(shape)).ravel().tolist()
    [5, 5, 5, 5, 7, 7, 7, 7]
    """
    if not isinstance(shape, (tuple, list)) or not all(is_whole(n) and n >= 1 for n in shape):
        raise InvalidArgument(f"icnr: shape={shape!r}: (C*prod(r), C_in/groups, *kernel) is needed, integers")
    axes = kernel_axes("icnr", tuple(shape))
    cell = math.prod(axes.each("r", r))
    check_order("icnr", order)
    if shape[0] % cell:
        raise InvalidArgument(f"icnr: shape {tuple(shape)}: its first size must divide by {cell}")
    if init is not None and generator is not None:
        raise InvalidArgument("icnr: init and generator: only one of them is needed")
    small = (int(shape[0]) // cell, *(int(n) for n in shape[1:]))
    axes.fits(shape, 4)
    if init is None:
        generator = generator or np.random.default_rng()
        drawn: Any = generator.standard_normal(small, np.float32) * np.float32(math.sqrt(2 / math.prod(small[1:])))
    else:
        drawn = init(small)
    a, (base,), back = enter("icnr", drawn)
    if tuple(base.shape) != small:
        raise InvalidArgument(f"icnr: init gave shape {tuple(base.shape)}: {small} is needed")
    return back(each_phase(a, base, cell, order))
