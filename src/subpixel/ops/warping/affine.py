"""affine_grid: the grid of positions of an affine map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import Arithmetic, enter
from subpixel.ops.axes import Axes, is_integer, known_integer
from subpixel.ops.tracing import is_free, operator
from subpixel.ops.warping.arguments import check_float, work_dtype
from subpixel.ops.warping.compiled import affine_grid_compiled

__all__ = ["affine_grid"]


@operator
def affine_grid(theta: Any, size: Sequence[int], align_corners: bool = False) -> Any:
    """The positions to which an affine map moves the samples of an output, for :func:`grid_sample`.

    Args:
        theta: ``(N, 2, 3)`` for images or ``(N, 3, 4)`` for volumes, f16, f32 or f64: matrices that are applied to
            ``(x, y, 1)`` or ``(x, y, z, 1)`` of each output sample. NumPy, torch (differentiable) or DLPack.
        size: the shape of the output, channels first as in torch: ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        align_corners: if True, −1 and 1 are the centres of the first and last samples, else their outer edges. An axis
            of one sample has the position 0 in both cases.

    Returns:
        ``(N, H, W, 2)`` or ``(N, D, H, W, 3)`` in the dtype of ``theta``; the last axis is x, y (, z).

    Raises:
        InvalidArgument: shapes do not fit each other, a size is not an integer of at least 1, or the grid is larger
            than 256 GiB.

    Source: Jaderberg et al., arXiv 1506.02025, equation 1; torch ``affine_grid``; the ONNX operator AffineGrid.

    >>> import numpy as np
    >>> affine_grid(np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), (1, 3, 1, 2))[0, 0].tolist()
    [[-0.5, 0.0], [0.5, 0.0]]
    """
    op = "affine_grid"
    a, (theta,), back = enter(op, theta)
    given = tuple(size) if isinstance(size, (tuple, list, np.ndarray)) else ()
    if len(given) not in (4, 5) or not all(is_free(s) or (is_integer(s) and s >= 1) for s in given):
        raise InvalidArgument(
            f"{op}: size={size!r}: (N, C, H, W) or (N, C, D, H, W) in integers of at least 1 is needed"
        )
    n, shape = known_integer(given[0]), tuple(known_integer(s) for s in given[2:])
    dims = len(shape)
    if tuple(theta.shape) != (n, dims, dims + 1):
        raise InvalidArgument(
            f"{op}: theta of shape {tuple(theta.shape)} does not fit size={size!r}: ({n}, {dims}, {dims + 1}) is needed"
        )
    dtype = check_float(op, "theta", a, theta)
    Axes(op, "NCHW" if dims == 2 else "NCDHW").check_size((n, *shape, dims), 4)
    theta = a.astype(theta, work_dtype(dtype))
    lines = [_unit_line(a, shape, k, align_corners, theta) for k in reversed(range(dims))]
    grid = affine_grid_compiled(theta, lines) if a.name == "numpy" else None
    if grid is None:
        grid = _apply_map(a, theta, lines)
    return back(grid if a.dtype(grid) == dtype else a.astype(grid, dtype))


def _apply_map(a: Arithmetic, theta: Any, lines: Sequence[Any]) -> Any:
    """Apply the map to the positions of each axis, innermost first. The compiled version sums in the same order."""
    n, dims = theta.shape[0], len(lines)
    columns = []
    for row in range(dims):
        weight = [a.reshape(theta[:, row, k], (n, *([1] * dims))) for k in range(dims + 1)]
        place = weight[dims]
        # The innermost axis comes last: until then the arrays are small.
        for k in reversed(range(dims)):
            place = place + weight[k] * lines[k]
        columns.append(place[..., None])
    return a.concatenate(columns, -1)


def _unit_line(a: Arithmetic, shape: Sequence[int], k: int, align_corners: bool, like: Any) -> Any:
    """The positions of the samples of an axis, between −1 and 1, along that axis."""
    n = shape[k]
    line = a.arange(n, like) * 2.0
    if not align_corners:
        line = (line + 1) / n - 1
    elif is_free(n) or n > 1:  # a free size counts as more than one sample
        line = line / (n - 1) - 1
    return a.astype(a.reshape(line, (-1, *([1] * (len(shape) - 1 - k)))), a.dtype(like))
