"""Sampling an image wherever one likes: grids, and flow fields.

A grid holds for each output sample a place in the input, between −1 and 1 where it is inside, x (columns) before y
(rows). What ±1 stands for is the argument silently confused here: ``align_corners=False`` puts it on the outer edges
of the first and last samples, ``align_corners=True`` on their centres. A flow field holds displacements in samples
and needs no such convention.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from subpixel.errors import InvalidArgument
from subpixel.ops.warping.arguments import TORCH_A, Call, GridMode, sampling, wide
from subpixel.ops.warping.sampling import Outside

__all__ = ["GridMode", "grid_sample", "warp"]

GridLayout = Literal["NCHW", "NHWC", "NCDHW", "NDHWC"]


def grid_sample(
    x: Any,
    grid: Any,
    mode: GridMode = "bilinear",
    padding_mode: Outside = "zeros",
    align_corners: bool = False,
    *,
    a: float = TORCH_A,
    layout: GridLayout = "NCHW",
) -> Any:
    """Sample an image, or a volume, at the places of a grid.

    Args:
        x: ``(N, C, H, W)`` or, for ``layout="NCDHW"``, ``(N, C, D, H, W)``, likewise channels last; u8, u16, f16,
            f32 or f64. NumPy, torch (differentiable), DLPack.
        grid: ``(N, H_out, W_out, 2)`` or ``(N, D_out, H_out, W_out, 3)`` of places, x before y (before z), −1 … 1
            inside the image; of any float dtype, taken in the dtype that the samples are computed in.
        mode: ``nearest`` (halves to the even neighbour, as torch does), ``bilinear`` (``linear``, ``trilinear``) or
            ``bicubic`` (``cubic``), the last for images only.
        padding_mode: what lies outside: ``zeros``, the edge samples (``border``), or the image mirrored
            (``reflection``), at its outer edges or with ``align_corners`` at its first and last samples' centres.
        align_corners: whether −1 and 1 are the centres of the first and last samples, or else the outer edges.
        a: the cubic's parameter, −0.75 in torch, OpenCV and ONNX.
        layout: ``NCHW``, ``NHWC``, ``NCDHW`` or ``NDHWC``, of ``x`` and of the result.

    Returns:
        ``(N, C, H_out, W_out)``, or as the layout says, in the dtype of ``x``. u8, u16 and f16 are computed in f32;
        integers are clipped and rounded half up. Positions are no better than the dtype that they are
        computed in: f32 places a sample of a line of 2000 to about 1/10000 of a sample.

        A place that is NaN gives 0 with ``zeros`` and counts as the first sample otherwise. So do infinite ones,
        but for ``border``, which takes the edge. torch tensors get torch's own answer, which in those cases
        differs from kernel to kernel.

    Raises:
        InvalidArgument: shapes that do not fit each other, an image without samples, dtypes, modes or layouts other
            than those, ``bicubic`` of volumes, an ``a`` that is not finite, a result larger than 256 GiB.

    Source: Jaderberg et al., arXiv 1506.02025, equation 5; torch ``grid_sample``; the ONNX operator GridSample.

    >>> import numpy as np
    >>> x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> grid_sample(x, np.array([[[[0.0, 0.0], [-1.0, -1.0]]]]), align_corners=True).tolist()
    [[[[2.5, 1.0]]]]
    >>> grid_sample(x, np.array([[[[0.0, -0.5], [0.0, 5.0]]]]), padding_mode="border").tolist()
    [[[[1.5, 3.5]]]]
    """
    op = "grid_sample"
    call = Call.of(op, x, grid, "grid", layout, get_args(GridLayout))
    axes = call.axes
    how = sampling(op, mode, padding_mode, align_corners, a, axes.dims)
    call.need_values(call.planes.shape[0], *(f"{letter}_out" for letter in axes.spatial), axes.dims)
    return call.sampled(call.values, how, flow=False)


def warp(
    x: Any,
    flow: Any,
    *,
    mode: GridMode = "bilinear",
    padding_mode: Outside = "zeros",
    a: float = TORCH_A,
    units: Literal["pixels", "halves"] = "pixels",
    layout: Literal["NCHW", "NHWC"] = "NCHW",
) -> Any:
    """Move an image backwards along a flow field: ``out(p) = x(p + flow(p))``.

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
        The warped image, of the shape and dtype of ``x``. NumPy arrays are sampled at the places themselves, so
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
    call = Call.of(op, x, flow, "flow", layout, ("NCHW", "NHWC"))
    how = sampling(op, mode, padding_mode, False, a, 2)
    if units not in ("pixels", "halves"):
        raise InvalidArgument(f"{op}: units={units!r}: 'pixels' or 'halves' is needed")
    n, _, height, width = call.planes.shape
    dtype = call.need_values(*((n, 2, height, width) if call.axes.first else (n, height, width, 2)))
    arithmetic = call.arithmetic
    values = call.axes.planes(arithmetic, call.values)
    if units == "halves":
        values = arithmetic.astype(values, wide(dtype))
        values = values * arithmetic.constant(np.array([width / 2, height / 2]).reshape(1, 2, 1, 1), values)
    return call.sampled(values, how, flow=True)
