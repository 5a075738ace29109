"""The public functions for resizing: each output sample is a weighted sum of a few input samples along each axis.

The axes are independent. :mod:`subpixel.ops.resizing.taps` makes a table of indices and weights for each of them, by
the conventions of the chosen library (:mod:`subpixel.ops.resizing.dialects`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from subpixel.errors import Unsupported
from subpixel.ops.arrays import enter
from subpixel.ops.resizing.alpha import Alpha
from subpixel.ops.resizing.apply_tables import apply
from subpixel.ops.resizing.dialects import Like
from subpixel.ops.resizing.plan import plan_of
from subpixel.ops.tracing import operator

__all__ = ["resize", "upsample", "upsample_bilinear", "upsample_nearest"]


@operator
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
    alpha: Alpha | None = None,
) -> Any:
    """Resize one, two or three axes of an array.

    Defaults are those of the library that ``like`` names. A parameter that this library does not have is an error.

    Args:
        x: NumPy array, torch tensor (differentiable) or other array; integers of 8, 16 or 32 bits, or floats; with
            ``nearest`` any dtype.
        size: output samples of each resized axis, ``(height, width)`` for an image, or one number for all axes.
        scale: output samples per input sample, one number or one for each axis. The size is then ``ceil`` (own,
            ``matlab``), ``round`` (``opencv``, ``pillow``) or ``floor`` (all others) of the product, and positions
            follow from the scale. The own dialect takes a scale for the decimal or fraction that was written, so 100
            times 1.1 is 110; ``onnx`` multiplies in single precision, as ONNX Runtime does, and the others in double.
            If both are given (own only), ``scale`` sets the positions.
        mode: ``nearest``, ``linear`` (``bilinear``, ``trilinear``), ``cubic`` (``bicubic``; the own default), ``area``,
            ``lanczos`` (3 lobes; 4 in ``opencv``), ``lanczos2`` … ``lanczos5``, ``box``, ``hamming``; and modes of
            single libraries: ``nearest-exact`` (``torch``), ``linear-exact`` (``opencv``), ``gaussian`` and
            ``mitchellcubic`` (``tensorflow``).
        like: ``torch``, ``onnx``, ``onnx_upsample`` (Upsample-9), ``opencv``, ``pillow``, ``matlab`` (imresize),
            ``tensorflow`` (tf.image.resize), ``tensorflow_v1`` (tf.compat.v1.image) or ``paddle``. None is this
            package's own dialect: half-pixel centres, ``a=-0.5``, the edge repeated, no antialiasing.
        layout: ``W``, ``HW``, ``DHW``, ``NCW``, ``NCHW``, ``NCDHW``, ``NWC``, ``NHWC``, ``NDHWC``, or any of the latter
            six without ``N``. Default: ``HWC`` (own); by the number of axes ``NCW``, ``NCHW`` or ``NCDHW`` (``torch``,
            ``paddle``), ``HWC`` or ``NHWC`` (``tensorflow``, ``tensorflow_v1``), ``HW`` or ``HWC`` (``opencv``,
            ``pillow``, ``matlab``). ``onnx`` resizes every axis.
        axes: the numbers of the resized axes, instead of a layout.
        coordinates: ``half_pixel``, ``pytorch_half_pixel``, ``align_corners``, ``asymmetric``, ``half_pixel_symmetric``
            or ``tf_crop_and_resize``, as defined by ONNX.
        nearest: the neighbour: ``round_prefer_floor``, ``round_prefer_ceil``, ``floor`` or ``ceil``.
        a: the cubic's parameter: −0.5 (own, MATLAB, Pillow, antialiased torch) or −0.75 (torch, ONNX, OpenCV).
        antialias: widen the kernel when shrinking.
        exclude_outside: set weights outside the array to 0 and scale the others to sum 1.
        extrapolation: the value outside the array for ``tf_crop_and_resize``; default 0.
        border: what lies outside otherwise: ``replicate`` (the edge sample) or ``symmetric`` (mirrored with the edge
            sample).
        align_corners: equal to ``coordinates="align_corners"``, as named in torch, TensorFlow 1 and Paddle.
        align_mode: Paddle's, for ``linear``: 0 is half-pixel, 1 asymmetric.
        half_pixel_centers: TensorFlow 1's.
        recompute_scale_factor: torch's: positions follow from the sizes although a scale is given.
        roi: for ``tf_crop_and_resize``, the start of each resized axis, then the end of each, in lengths (0 … 1).
        keep_aspect: with a size: ``stretch``, or one factor for all axes with a result that is ``not_larger`` or
            ``not_smaller`` than the size.
        transfer: ``srgb`` decodes u8 or u16 to linear light, resizes, and encodes the result. The channels must not
            include alpha.
        alpha: Pillow's, for u8 with two or four channels, of which the last is alpha: ``premultiply`` multiplies
            colours with alpha meanwhile, except for ``nearest``; ``plain`` resizes all channels alike, as of CMYK.
            Default: ``premultiply`` if a layout says which axis has the channels, as Pillow takes such arrays for LA
            and RGBA.

    Returns:
        A new array of the same kind and dtype. Integers are summed in f64, clipped and rounded: half up after each axis
        (own), half away from zero after each axis (``matlab``, ``pillow``), else half to even at the end. For u8,
        ``pillow`` (version 13), ``opencv`` (version 5) and ``torch`` use their integer algorithms. f16 is summed in
        f32. If a library returns floats for integers (TensorFlow), pass floats to get the same.

    Raises:
        InvalidArgument: a shape, size, scale or parameter does not fit, or the result has more than 2**36 samples.

    Source: Keys 1981 for the cubic; ONNX Resize-19; each library's documentation. The own dialect with
    ``antialias=True`` is MATLAB's ``imresize`` except for the border. MATLAB documents ``symmetric``, but the
    widespread low-resolution files of Set5 and Set14 are reproduced, in every byte, with ``replicate``.

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
        "alpha": alpha,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if ar.name == "numpy":
        shape, dtype, name = x.shape, x.dtype, _name(x.dtype)
    else:
        shape, name = tuple(x.shape), ar.dtype(x)
        dtype = name
    arguments = (size, scale, mode, like, layout, axes, transfer)
    plan = plan_of(shape, dtype, name, arguments, given)
    if plan.is_free:
        if transfer is not None:
            raise Unsupported(f"resize: a size of {shape} is free; transfer={transfer!r} needs known sizes")
        from subpixel.ops.resizing.free_sizes import resize_free  # which loads torch

        return resize_free(x, plan, arguments, given)
    return back(apply(ar, x, plan))


@functools.lru_cache(maxsize=64)
def _name(dtype: Any) -> str:
    return str(dtype.name)


@operator
def upsample(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    *,
    layout: str | None = None,
) -> Any:
    """``torch.nn.Upsample``: :func:`resize` with the conventions of torch.

    Args:
        x: ``(N, C, W)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)``; see :func:`resize` for dtypes.
        size: output samples of each spatial axis, or one number for all.
        scale: output samples per input sample, one number or one for each axis.
        mode: ``nearest``, ``nearest-exact``, ``linear``, ``bilinear``, ``trilinear``, ``cubic``, ``bicubic``,
            ``lanczos`` or ``area``.
        align_corners: whether the centres of the first and last samples are aligned.
        layout: as for :func:`resize`.

    Returns:
        A new array of the same kind and dtype.

    Raises:
        InvalidArgument: as :func:`resize`.

    >>> import numpy as np
    >>> upsample(np.array([[[1.0, 2.0]]]), scale=2, mode="linear").tolist()
    [[[1.0, 1.25, 1.75, 2.0]]]
    """
    return resize(x, size, scale=scale, mode=mode, like="torch", align_corners=align_corners, layout=layout)


@operator
def upsample_nearest(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale: float | Sequence[float] | None = None,
    *,
    layout: str | None = None,
) -> Any:
    """``torch.nn.UpsamplingNearest2d``, for one to three axes: :func:`resize` with the conventions of torch.

    Args:
        x: ``(N, C, W)``, ``(N, C, H, W)`` or ``(N, C, D, H, W)`` of any dtype.
        size: output samples of each spatial axis, or one number for all.
        scale: output samples per input sample, one number or one for each axis.
        layout: as for :func:`resize`.

    Returns:
        A new array of the same kind and dtype.

    Raises:
        InvalidArgument: as :func:`resize`.

    >>> import numpy as np
    >>> upsample_nearest(np.array([[[1, 2]]]), scale=2).tolist()
    [[[1, 1, 2, 2]]]
    """
    return resize(x, size, scale=scale, mode="nearest", like="torch", layout=layout)


@operator
def upsample_bilinear(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale: float | Sequence[float] | None = None,
    *,
    layout: str | None = None,
) -> Any:
    """``torch.nn.UpsamplingBilinear2d``: bilinear with ``align_corners=True``.

    Args:
        x: ``(N, C, H, W)``; see :func:`resize` for dtypes.
        size: output height and width, or one number for both.
        scale: output samples per input sample, one number or one for each axis.
        layout: as for :func:`resize`.

    Returns:
        A new array of the same kind and dtype.

    Raises:
        InvalidArgument: as :func:`resize`.

    >>> import numpy as np
    >>> upsample_bilinear(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), (2, 3))[0, 0].tolist()
    [[1.0, 1.5, 2.0], [3.0, 3.5, 4.0]]
    """
    return resize(x, size, scale=scale, mode="bilinear", like="torch", align_corners=True, layout=layout)
