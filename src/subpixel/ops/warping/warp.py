"""grid_sample and warp: sampling an image at the positions of a grid, or along a flow field.

A grid holds a position in the input for each output sample, from −1 to 1 inside the input, x (columns) before y (rows).
The meaning of ±1 is easily confused: with ``align_corners=False`` they are the outer edges of the first and last
samples, with ``align_corners=True`` their centres. A flow field holds displacements in samples, without such a
convention.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from subpixel.errors import unknown
from subpixel.ops.tracing import is_free, operator
from subpixel.ops.warping.arguments import TORCH_A, GridMode, SamplingCall, check_sampling, work_dtype
from subpixel.ops.warping.sampling import PaddingMode

__all__ = ["GridMode", "grid_sample", "warp"]

GridLayout = Literal["NCHW", "NHWC", "NCDHW", "NDHWC"]


@operator
def grid_sample(
    x: Any,
    grid: Any,
    mode: GridMode = "bilinear",
    padding_mode: PaddingMode = "zeros",
    align_corners: bool = False,
    *,
    a: float = TORCH_A,
    layout: GridLayout = "NCHW",
) -> Any:
    """Sample an image or a volume at the positions of a grid.

    Args:
        x: ``(N, C, H, W)`` or, for ``layout="NCDHW"``, ``(N, C, D, H, W)``, likewise channels last; u8, u16, f16,
            f32 or f64. NumPy, torch (differentiable) or DLPack.
        grid: positions ``(N, H_out, W_out, 2)`` or ``(N, D_out, H_out, W_out, 3)``, x before y (before z), −1 … 1
            inside the image. Any float dtype; it is converted to the dtype in which samples are computed.
        mode: ``nearest`` (halves to the even neighbour, as in torch), ``bilinear`` (``linear``, ``trilinear``) or
            ``bicubic`` (``cubic``), the last for images only.
        padding_mode: what lies outside: ``zeros``, ``border`` (the edge samples) or ``reflection`` (the image mirrored
            at its outer edges, or with ``align_corners`` at the centres of its first and last samples).
        align_corners: if True, −1 and 1 are the centres of the first and last samples, else their outer edges.
        a: the cubic's parameter, −0.75 in torch, OpenCV and ONNX.
        layout: of ``x`` and the result: ``NCHW``, ``NHWC``, ``NCDHW`` or ``NDHWC``.

    Returns:
        ``(N, C, H_out, W_out)``, in the given layout and the dtype of ``x``. u8, u16 and f16 are computed in f32;
        integers are clipped and rounded half up. Positions have the precision of the dtype of the computation: f32
        places a sample of a line of 2000 to about 1/10000 of a sample.

        A NaN position gives 0 with ``zeros``, and the first sample otherwise. So does an infinite one, except with
        ``border``, which gives the edge sample. For torch tensors the result is torch's, which in these cases differs
        from kernel to kernel.

    Raises:
        InvalidArgument: shapes do not fit each other, the image has no samples, a dtype, mode or layout is not
            supported, ``bicubic`` is given for a volume, ``a`` is not finite, or the result is larger than 256 GiB.

    Source: Jaderberg et al., arXiv 1506.02025, equation 5; torch ``grid_sample``; the ONNX operator GridSample.

    >>> import numpy as np
    >>> x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> grid_sample(x, np.array([[[[0.0, 0.0], [-1.0, -1.0]]]]), align_corners=True).tolist()
    [[[[2.5, 1.0]]]]
    >>> grid_sample(x, np.array([[[[0.0, -0.5], [0.0, 5.0]]]]), padding_mode="border").tolist()
    [[[[1.5, 3.5]]]]
    """
    op = "grid_sample"
    call = SamplingCall.check(op, x, grid, "grid", layout, get_args(GridLayout))
    axes = call.axes
    options = check_sampling(op, mode, padding_mode, align_corners, a, axes.dims)
    call.check_values(call.planes.shape[0], *(f"{letter}_out" for letter in axes.spatial), axes.dims)
    return call.sample(call.values, options, flow=False)


@operator
def warp(
    x: Any,
    flow: Any,
    *,
    mode: GridMode = "bilinear",
    padding_mode: PaddingMode = "zeros",
    a: float = TORCH_A,
    units: Literal["pixels", "halves"] = "pixels",
    layout: Literal["NCHW", "NHWC"] = "NCHW",
) -> Any:
    """Warp an image backwards along a flow field: ``out(p) = x(p + flow(p))``.

    Args:
        x: ``(N, C, H, W)``, or ``(N, H, W, C)`` for ``layout="NHWC"``; u8, u16, f16, f32 or f64. NumPy, torch
            (differentiable) or DLPack.
        flow: ``(N, 2, H, W)``, or ``(N, H, W, 2)`` for ``layout="NHWC"``: the displacement along x (columns, to the
            right), then y (rows, downwards). Any float dtype.
        mode: ``nearest``, ``bilinear`` (``linear``) or ``bicubic`` (``cubic``), as for :func:`grid_sample`.
        padding_mode: ``zeros``, ``border`` or ``reflection`` (at the outer edges), as for :func:`grid_sample`.
        a: the cubic's parameter.
        units: of the flow: ``pixels``, or ``halves`` of the width and of the height. The latter is the unit of a grid
            with ``align_corners=False``, for networks whose flow ends in tanh.
        layout: of ``x``, ``flow`` and the result: ``NCHW`` or ``NHWC``.

    Returns:
        The warped image, of the shape and dtype of ``x``. NumPy arrays are sampled at the positions themselves, so that
        a flow of integer pixels is exactly a shift. torch uses a grid, which in f32 displaces a sample of a line of
        2000 by up to 1/5000 of a sample.

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
    call = SamplingCall.check(op, x, flow, "flow", layout, ("NCHW", "NHWC"))
    options = check_sampling(op, mode, padding_mode, False, a, 2)
    if units not in ("pixels", "halves"):
        raise unknown("units", units, ("pixels", "halves"), where=op)
    n, _, height, width = call.planes.shape
    dtype = call.check_values(*((n, 2, height, width) if call.axes.first else (n, height, width, 2)))
    arithmetic = call.arithmetic
    values = call.axes.planes(arithmetic, call.values)
    if units == "halves":
        values = arithmetic.astype(values, work_dtype(dtype))
        if is_free(width) or is_free(height):
            x, y = values[:, :1], values[:, 1:]
            values = arithmetic.concatenate([x * (width / 2), y * (height / 2)], 1)
        else:
            values = values * arithmetic.constant(np.array([width / 2, height / 2]).reshape(1, 2, 1, 1), values)
    return call.sample(values, options, flow=True)
