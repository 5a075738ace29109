"""Resizing: every output sample is a weighted sum of a few input samples along each axis.

The axes are independent: :mod:`subpixel.ops.resizing.taps` states each once as indices and weights, and what is here
applies them, whichever library's conventions (:mod:`subpixel.ops.resizing.dialects`) they follow.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from subpixel.ops.arrays import enter
from subpixel.ops.resizing.dialects import Like
from subpixel.ops.resizing.plan import plan_of
from subpixel.ops.resizing.sums import apply

__all__ = ["resize", "upsample", "upsample_bilinear", "upsample_nearest"]


def resize(
    x: Any,
    size: int | Sequence[int] | None = None,
    *,
    scale: float | Sequence[float] | None = None,
    mode: str | None = None,
    like: Like | None = None,
    layout: str | None = None,
    axes: int | Sequence[int] | None = None,
    coordinates: str | None = None,
    nearest: str | None = None,
    a: float | None = None,
    antialias: bool | None = None,
    exclude_outside: bool | None = None,
    extrapolation: float | None = None,
    border: str | None = None,
    align_corners: bool | None = None,
    align_mode: int | None = None,
    half_pixel_centers: bool | None = None,
    recompute_scale_factor: bool | None = None,
    roi: Sequence[float] | None = None,
    keep_aspect: str | None = None,
    transfer: str | None = None,
) -> Any:
    """Resize one, two or three axes of an array.

    What is not said is as in the library that ``like`` names. A parameter that this library does not have is an error.

    Args:
        x: NumPy array, torch tensor (differentiable) or other array; integers of 8, 16 or 32 bits, or floats;
            with ``nearest`` any dtype.
        size: output samples of each resized axis, ``(height, width)`` for an image, or one number for all; or
        scale: output samples per input sample, one number or one for each axis. The size is then ``ceil`` (own,
            ``matlab``), ``round`` (``opencv``, ``pillow``) or ``floor`` (all others) of the product, and positions
            follow from the scale. With both (own only), ``scale`` sets the positions.
        mode: ``nearest``, ``linear`` (``bilinear``, ``trilinear``), ``cubic`` (``bicubic``; own default), ``area``,
            ``lanczos`` (3 lobes; 4 in ``opencv``), ``lanczos2`` … ``lanczos5``, ``box``, ``hamming``; and what else the
            library has: ``nearest-exact`` (``torch``, ``opencv``), ``linear-exact`` (``opencv``), ``gaussian`` and
            ``mitchellcubic`` (``tensorflow``).
        like: ``torch``, ``onnx``, ``onnx_upsample`` (Upsample-9), ``opencv``, ``pillow``, ``matlab`` (imresize),
            ``tensorflow`` (tf.image.resize), ``tensorflow_v1`` (tf.compat.v1.image) or ``paddle``; None is this
            package's own: half-pixel centres, ``a=-0.5``, the edge repeated, no antialiasing.
        layout: ``HWC`` and so on, with or without ``N`` and ``C``, of ``W``, ``HW`` or ``DHW``. Own default ``HWC``;
            ``torch`` and ``paddle`` take ``NCW``, ``NCHW`` or ``NCDHW``, ``tensorflow`` ``HWC`` or ``NHWC``,
            ``opencv``, ``pillow`` and ``matlab`` ``HW`` or ``HWC``, by the number of axes; ``onnx`` resizes every axis.
        axes: the numbers of the resized axes, in the place of a layout.
        coordinates: ``half_pixel``, ``pytorch_half_pixel``, ``align_corners``, ``asymmetric``, ``half_pixel_symmetric``
            or ``tf_crop_and_resize``, with ONNX's meaning.
        nearest: which neighbour: ``round_prefer_floor``, ``round_prefer_ceil``, ``floor`` or ``ceil``.
        a: the cubic's parameter: −0.5 (own, MATLAB, Pillow, antialiased torch) or −0.75 (torch, ONNX, OpenCV).
        antialias: widen the kernel when shrinking.
        exclude_outside: weights outside of the array become 0 and the rest is brought to sum 1.
        extrapolation: the value where ``tf_crop_and_resize`` looks outside, 0 by default.
        border: what else lies outside: ``replicate`` or ``symmetric`` (mirrored with its edge sample).
        align_corners: the same as ``coordinates="align_corners"``, in the words of torch, TensorFlow 1 and Paddle.
        align_mode: Paddle's for ``linear``: 0 is half-pixel, 1 asymmetric.
        half_pixel_centers: that of TensorFlow 1.
        recompute_scale_factor: torch's: positions from the sizes although a scale was given.
        roi: for ``tf_crop_and_resize``, the start of each resized axis, then the end of each, in lengths (0 … 1).
        keep_aspect: with a size: ``stretch``, or one factor for all axes, ``not_larger`` or ``not_smaller`` than it.
        transfer: ``srgb`` decodes u8 or u16 to linear light, resizes that and encodes it. Alpha must not be among
            the channels.

    Returns:
        A new array of the same kind and dtype. Integers are summed in f64, clipped and rounded: half up after
        each axis (own), half away from zero after each axis (``matlab``, ``pillow``), else half to even at the end; u8
        with ``pillow`` (version 13), ``opencv`` (version 5) and ``torch`` follows their algorithms in integers.
        f16 is summed in f32. Where a library returns floats for integers (TensorFlow), give floats to have those.

    Raises:
        InvalidArgument: a shape, size, scale or parameter that does not fit, or a result larger than any memory.

    Source: Keys 1981 for the cubic; ONNX Resize-19; each library's documentation. Own, with ``antialias=True``, is
    MATLAB's ``imresize`` but for the border: documented there as ``symmetric``, but the low-resolution files of
    Set5 and Set14 that circulate come out, every byte, with ``replicate``.

    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> resize(x, scale=2, mode="linear", layout="HW")[0].tolist()
    [1.0, 1.25, 1.75, 2.0]
    >>> resize(x[None, None], (3, 3), mode="bilinear", like="torch", align_corners=True)[0, 0].tolist()
    [[1.0, 1.5, 2.0], [2.0, 2.5, 3.0], [3.0, 3.5, 4.0]]
    """
    ar, (x,), back = enter("resize", x)
    options = {
        "coordinates": coordinates,
        "nearest": nearest,
        "a": a,
        "antialias": antialias,
        "exclude_outside": exclude_outside,
        "extrapolation": extrapolation,
        "border": border,
        "align_corners": align_corners,
        "align_mode": align_mode,
        "half_pixel_centers": half_pixel_centers,
        "recompute_scale_factor": recompute_scale_factor,
        "roi": roi,
        "keep_aspect": keep_aspect,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if ar.name == "numpy":
        shape, dtype, name = x.shape, x.dtype, _name(x.dtype)
    else:
        shape, name = tuple(int(n) for n in x.shape), ar.dtype(x)
        dtype = name
    plan = plan_of(shape, dtype, name, (size, scale, mode, like, layout, axes, transfer), given)
    return back(apply(ar, x, plan))


@functools.lru_cache(maxsize=64)
def _name(dtype: Any) -> str:
    return str(dtype.name)


def upsample(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    *,
    layout: str | None = None,
) -> Any:
    """``torch.nn.Upsample`` of ``(N, C, W)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)``: :func:`resize` as torch does it.

    >>> import numpy as np
    >>> upsample(np.array([[[1.0, 2.0]]]), scale=2, mode="linear").tolist()
    [[[1.0, 1.25, 1.75, 2.0]]]
    """
    return resize(x, size, scale=scale, mode=mode, like="torch", align_corners=align_corners, layout=layout)


def upsample_nearest(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale: float | Sequence[float] | None = None,
    *,
    layout: str | None = None,
) -> Any:
    """``torch.nn.UpsamplingNearest2d``, of one and three axes too: :func:`resize` as torch does it.

    >>> import numpy as np
    >>> upsample_nearest(np.array([[[1, 2]]]), scale=2).tolist()
    [[[1, 1, 2, 2]]]
    """
    return resize(x, size, scale=scale, mode="nearest", like="torch", layout=layout)


def upsample_bilinear(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale: float | Sequence[float] | None = None,
    *,
    layout: str | None = None,
) -> Any:
    """``torch.nn.UpsamplingBilinear2d``: bilinear with ``align_corners=True``, of ``(N, C, H, W)``.

    >>> import numpy as np
    >>> upsample_bilinear(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), (2, 3))[0, 0].tolist()
    [[1.0, 1.5, 2.0], [3.0, 3.5, 4.0]]
    """
    return resize(x, size, scale=scale, mode="bilinear", like="torch", align_corners=True, layout=layout)
