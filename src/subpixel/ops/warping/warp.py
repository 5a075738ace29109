"""Sampling a picture wherever one likes: grids, and flow fields.

A grid holds for each output sample a place in the input, between −1 and 1 where it is inside, x (columns) before y
(rows). What ±1 stands for is the argument silently confused here: ``align_corners=False`` puts it on the outer edges
of the first and last samples, ``align_corners=True`` on their centres. A flow field holds displacements in samples
and needs no such convention.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import Arithmetic, enter
from subpixel.ops.axes import Axes, is_whole, parse_layout
from subpixel.ops.warping.sampling import Outside, Sampling, sample, sample_native

__all__ = ["GridMode", "affine_grid", "grid_sample", "warp"]

GridMode = Literal["nearest", "bilinear", "bicubic", "linear", "trilinear", "cubic"]
GridLayout = Literal["NCHW", "NHWC", "NCDHW", "NDHWC"]

_MODES = {"linear": "bilinear", "trilinear": "bilinear", "cubic": "bicubic"}
_FLOATS = ("float16", "bfloat16", "float32", "float64")
_DTYPES = (*_FLOATS, "uint8", "uint16")
_TORCH_A = -0.75  # what torch has built in


def affine_grid(theta: Any, size: Sequence[int], align_corners: bool = False) -> Any:
    """The places that an affine map sends the samples of an output to, ready for :func:`grid_sample`.

    Args:
        theta: ``(N, 2, 3)`` for pictures or ``(N, 3, 4)`` for volumes, f16, f32 or f64: matrices that are applied to
            ``(x, y, 1)`` or ``(x, y, z, 1)`` of each output sample. NumPy, torch (differentiable), DLPack.
        size: the output's shape, channels first as in torch: ``(N, C, H, W)`` or ``(N, C, D, H, W)``.
        align_corners: whether −1 and 1 are the centres of the first and last samples, or else the outer edges.
            An axis of one sample has its only place at 0 either way.

    Returns:
        ``(N, H, W, 2)`` or ``(N, D, H, W, 3)`` in the dtype of ``theta``; the last axis is x, y (, z).

    Raises:
        InvalidArgument: shapes that do not fit each other, sizes that are not whole numbers of at least 1, or a grid
            that no machine can hold.

    Source: Jaderberg et al., arXiv 1506.02025, equation 1; torch ``affine_grid``; the ONNX operator AffineGrid.

    >>> import numpy as np
    >>> affine_grid(np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), (1, 3, 1, 2))[0, 0].tolist()
    [[-0.5, 0.0], [0.5, 0.0]]
    """
    op = "affine_grid"
    a, (theta,), back = enter(op, theta)
    given = tuple(size) if isinstance(size, (tuple, list, np.ndarray)) else ()
    if len(given) not in (4, 5) or not all(is_whole(s) and s >= 1 for s in given):
        raise InvalidArgument(
            f"{op}: size={size!r}: (N, C, H, W) or (N, C, D, H, W) in whole numbers of at least 1 is needed"
        )
    n, shape = int(given[0]), tuple(int(s) for s in given[2:])
    dims = len(shape)
    if tuple(theta.shape) != (n, dims, dims + 1):
        raise InvalidArgument(
            f"{op}: theta of shape {tuple(theta.shape)} does not fit size={size!r}: ({n}, {dims}, {dims + 1}) is needed"
        )
    dtype = _float(op, "theta", a, theta)
    Axes(op, "NCHW" if dims == 2 else "NCDHW").fits((n, *shape, dims), 4)
    theta = a.astype(theta, _wide(dtype))
    lines = [_unit_line(a, shape, k, align_corners, theta) for k in reversed(range(dims))]
    columns = []
    for row in range(dims):
        weight = [a.reshape(theta[:, row, k], (n, *([1] * dims))) for k in range(dims + 1)]
        place = weight[dims]
        # The innermost axis last: until then there is little to do.
        for k in reversed(range(dims)):
            place = place + weight[k] * lines[k]
        columns.append(place[..., None])
    return back(a.astype(a.concatenate(columns, -1), dtype))


def grid_sample(
    x: Any,
    grid: Any,
    mode: GridMode = "bilinear",
    padding_mode: Outside = "zeros",
    align_corners: bool = False,
    *,
    a: float = _TORCH_A,
    layout: GridLayout = "NCHW",
) -> Any:
    """Sample a picture, or a volume, at the places of a grid.

    Args:
        x: ``(N, C, H, W)`` or, for ``layout="NCDHW"``, ``(N, C, D, H, W)``, likewise channels last; u8, u16, f16,
            f32 or f64. NumPy, torch (differentiable), DLPack.
        grid: ``(N, H_out, W_out, 2)`` or ``(N, D_out, H_out, W_out, 3)`` of places, x before y (before z), −1 … 1
            inside the picture; of any float dtype, taken in the dtype that the samples are computed in.
        mode: ``nearest`` (halves to the even neighbour, as torch does), ``bilinear`` (``linear``, ``trilinear``) or
            ``bicubic`` (``cubic``), the last for pictures only.
        padding_mode: what lies outside: ``zeros``, the edge samples (``border``), or the picture mirrored
            (``reflection``), at its outer edges or with ``align_corners`` at its first and last samples' centres.
        align_corners: whether −1 and 1 are the centres of the first and last samples, or else the outer edges.
        a: the cubic's parameter, −0.75 in torch, OpenCV and ONNX.
        layout: ``NCHW``, ``NHWC``, ``NCDHW`` or ``NDHWC``, of ``x`` and of the result.

    Returns:
        ``(N, C, H_out, W_out)``, or as the layout says, in the dtype of ``x``. u8, u16 and f16 are computed in f32;
        whole numbers are clipped and rounded half up. Positions are no better than the dtype that they are
        computed in: f32 places a sample of a line of 2000 to about 1/10000 of a sample.

        A place that is NaN gives 0 with ``zeros`` and counts as the first sample otherwise. So do infinite ones,
        but for ``border``, which takes the edge. torch tensors get torch's own answer, which in those cases
        differs from kernel to kernel.

    Raises:
        InvalidArgument: shapes that do not fit each other, a picture without samples, dtypes, modes or layouts other
            than those, ``bicubic`` of volumes, an ``a`` that is not finite.

    Source: Jaderberg et al., arXiv 1506.02025, equation 5; torch ``grid_sample``; the ONNX operator GridSample.

    >>> import numpy as np
    >>> x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> grid_sample(x, np.array([[[[0.0, 0.0], [-1.0, -1.0]]]]), align_corners=True).tolist()
    [[[[2.5, 1.0]]]]
    >>> grid_sample(x, np.array([[[[0.0, -0.5], [0.0, 5.0]]]]), padding_mode="border").tolist()
    [[[[1.5, 3.5]]]]
    """
    op = "grid_sample"
    axes = _layout(op, layout, get_args(GridLayout))
    how = _sampling(op, mode, padding_mode, align_corners, a, axes.dims)
    arithmetic, (x, grid), back = enter(op, x, grid)
    planes = _planes(op, arithmetic, axes, x)
    shape = tuple(grid.shape)
    if len(shape) != axes.dims + 2 or shape[0] != planes.shape[0] or shape[-1] != axes.dims:
        wanted = ", ".join(f"{letter}_out" for letter in axes.spatial)
        raise InvalidArgument(
            f"{op}: grid of shape {shape} does not fit x of shape {tuple(x.shape)} ({layout}): "
            f"({planes.shape[0]}, {wanted}, {axes.dims}) is needed"
        )
    _float(op, "grid", arithmetic, grid)
    return back(_sampled(arithmetic, axes, planes, grid, how, flow=False))


def warp(
    x: Any,
    flow: Any,
    *,
    mode: GridMode = "bilinear",
    padding_mode: Outside = "zeros",
    a: float = _TORCH_A,
    units: Literal["pixels", "halves"] = "pixels",
    layout: Literal["NCHW", "NHWC"] = "NCHW",
) -> Any:
    """Move a picture backwards along a flow field: ``out(p) = x(p + flow(p))``.

    Args:
        x: ``(N, C, H, W)``, or as the layout says; u8, u16, f16, f32 or f64. NumPy, torch (differentiable), DLPack.
        flow: ``(N, 2, H, W)``, or ``(N, H, W, 2)`` for ``layout="NHWC"``: the displacement along x (columns, to the
            right), then y (rows, downwards), of any float dtype.
        mode: as for :func:`grid_sample`.
        padding_mode: as for :func:`grid_sample`; ``reflection`` mirrors at the outer edges of the border samples.
        a: the cubic's parameter.
        units: of the flow: ``pixels``, or ``halves`` of the width and of the height, a grid's unit with
            ``align_corners=False``, in which a network whose flow ends in tanh states it.
        layout: of ``x``, ``flow`` and the result.

    Returns:
        The warped picture, of the shape and dtype of ``x``. NumPy arrays are sampled at the places themselves, so
        that a flow of whole pixels is exactly a shift; torch takes them as a grid, which in f32 displaces a sample
        of a line of 2000 by up to 1/5000 of a sample.

    Raises:
        InvalidArgument: as for :func:`grid_sample`.

    Source: the motion compensation of Caballero et al., arXiv 1611.05250, section 2.2.

    >>> import numpy as np
    >>> flow = np.zeros((1, 2, 1, 4))
    >>> flow[:, 0] = 1.0
    >>> warp(np.array([[[[1.0, 2.0, 3.0, 4.0]]]]), flow).tolist()
    [[[[2.0, 3.0, 4.0, 0.0]]]]
    """
    op = "warp"
    axes = _layout(op, layout, ("NCHW", "NHWC"))
    how = _sampling(op, mode, padding_mode, False, a, 2)
    if units not in ("pixels", "halves"):
        raise InvalidArgument(f"{op}: units={units!r}: 'pixels' or 'halves' is needed")
    arithmetic, (x, flow), back = enter(op, x, flow)
    planes = _planes(op, arithmetic, axes, x)
    n, _, height, width = planes.shape
    shape, wanted = tuple(flow.shape), (n, 2, height, width) if axes.first else (n, height, width, 2)
    if shape != wanted:
        raise InvalidArgument(
            f"{op}: flow of shape {shape} does not fit x of shape {tuple(x.shape)} ({layout}): {wanted} is needed"
        )
    dtype = _float(op, "flow", arithmetic, flow)
    flow = axes.planes(arithmetic, flow)
    if units == "halves":
        flow = arithmetic.astype(flow, _wide(dtype))
        flow = flow * arithmetic.constant(np.array([width / 2, height / 2]).reshape(1, 2, 1, 1), flow)
    return back(_sampled(arithmetic, axes, planes, flow, how, flow=True))


def _sampled(a: Arithmetic, axes: Axes, planes: Any, values: Any, how: Sampling, *, flow: bool) -> Any:
    """By torch's function where its meaning is the same, else compiled, else plain."""
    dtype = a.dtype(planes)
    work = "float64" if dtype == "float64" else "float32"
    # NumPy copies even where there is nothing to change.
    x, values = (v if a.dtype(v) == work else a.astype(v, work) for v in (planes, values))
    y = None
    if a.name == "numpy":
        y = sample_native(x, values, how, flow=flow)
    elif how.mode != "bicubic" or how.a == _TORCH_A:
        y = _sample_torch(x, values, how, flow=flow)
    if y is None:
        y = sample(a, x, a.transpose(values, (0, 2, 3, 1)) if flow else values, how, flow=flow)
    if dtype in ("uint8", "uint16"):
        y = a.floor(a.clip(y, 0.0, float(np.iinfo(dtype).max)) + 0.5)
    return axes.restore(a, y if dtype == work else a.astype(y, dtype))


def _sample_torch(x: Any, values: Any, how: Sampling, *, flow: bool) -> Any:
    import torch
    import torch.nn.functional as F

    if flow:
        places = []
        for k, side in ((0, x.shape[3]), (1, x.shape[2])):
            own = torch.arange(side, dtype=values.dtype, device=values.device)
            own = own if k == 0 else own[:, None]
            places.append((2 * (own + values[:, k]) + 1) / side - 1)
        values = torch.stack(places, dim=-1)
    return F.grid_sample(x, values, mode=how.mode, padding_mode=how.outside, align_corners=how.align_corners)


def _unit_line(a: Arithmetic, shape: Sequence[int], k: int, align_corners: bool, like: Any) -> Any:
    """Places of an axis's samples between −1 and 1, along that axis."""
    n = shape[k]
    line = np.arange(n) * 2.0
    line = line / max(n - 1, 1) - (n > 1) if align_corners else (line + 1) / n - 1
    return a.constant(line.reshape(-1, *([1] * (len(shape) - 1 - k))), like)


def _layout(op: str, layout: Any, offered: Sequence[str]) -> Axes:
    if layout not in offered:
        raise InvalidArgument(f"{op}: layout={layout!r}: one of {', '.join(offered)} is needed")
    return parse_layout(op, layout)


def _sampling(op: str, mode: Any, padding_mode: Any, align_corners: Any, a: Any, dims: int) -> Sampling:
    name = _MODES.get(mode, mode) if isinstance(mode, str) else mode
    if name not in ("nearest", "bilinear", "bicubic"):
        raise InvalidArgument(f"{op}: mode={mode!r}: one of {', '.join(get_args(GridMode))} is needed")
    if name == "bicubic" and dims == 3:
        raise InvalidArgument(f"{op}: mode={mode!r} is for pictures only; for volumes there are nearest and linear")
    if padding_mode not in get_args(Outside):
        raise InvalidArgument(f"{op}: padding_mode={padding_mode!r}: zeros, border or reflection is needed")
    if not isinstance(a, (int, float, np.number)) or not math.isfinite(a):
        raise InvalidArgument(f"{op}: a={a!r}: a finite number is needed")
    return Sampling(name, padding_mode, bool(align_corners), float(a))


def _planes(op: str, a: Arithmetic, axes: Axes, x: Any) -> Any:
    """Of the picture, checked, channels first."""
    axes.rank(x)
    if a.dtype(x) not in _DTYPES:
        raise InvalidArgument(f"{op}: dtype {a.dtype(x)}: u8, u16, f16, f32 or f64 is needed")
    planes = axes.planes(a, x)
    if 0 in tuple(planes.shape[2:]):
        raise InvalidArgument(
            f"{op}: x of shape {tuple(x.shape)} ({axes.layout}) has no samples: sides of at least 1 are needed"
        )
    return planes


def _float(op: str, what: str, a: Arithmetic, x: Any) -> str:
    dtype = a.dtype(x)
    if dtype not in _FLOATS:
        raise InvalidArgument(f"{op}: {what} of dtype {dtype}: f16, f32 or f64 is needed")
    return dtype


def _wide(dtype: str) -> str:
    """What a float dtype is computed in."""
    return "float64" if dtype == "float64" else "float32"
