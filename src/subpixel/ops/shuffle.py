"""Pixel shuffle and its inverse: moving r*r channels into an r times larger grid, and back.

Two orders of the channels are in use and silently confused, so the order is a named argument:

``CRD`` (depth-column-row; PyTorch, PaddlePaddle, the ESPCN paper)
    ``out[n, c, h*r + i, w*r + j] = x[n, c*r*r + i*r + j, h, w]``
``DCR`` (TensorFlow ``depth_to_space``, default of ONNX ``DepthToSpace``)
    ``out[n, c, h*r + i, w*r + j] = x[n, (i*r + j)*C + c, h, w]``

They agree only when the result has one channel.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["Layout", "Order", "pixel_shuffle", "pixel_unshuffle"]

Order = Literal["CRD", "DCR"]
Layout = Literal["NCHW", "NHWC", "CHW", "HWC"]

_LAYOUTS = ("NCHW", "NHWC", "CHW", "HWC")


def pixel_shuffle(x: NDArray[Any], r: int, *, layout: Layout = "NCHW", order: Order = "CRD") -> NDArray[Any]:
    """Move groups of ``r*r`` channels into an ``r`` times finer grid.

    Args:
        x: array of any dtype, ``(N, C*r*r, H, W)`` for ``layout="NCHW"``, likewise for the others.
        r: upscaling factor, at least 1.
        layout: where the channel axis stands: ``NCHW``, ``NHWC``, or without the batch ``CHW``, ``HWC``.
        order: ``CRD`` or ``DCR``, see the module's text.

    Returns:
        A new array ``(N, C, H*r, W*r)`` in the same layout and dtype.

    Raises:
        InvalidArgument: ``r`` below 1, wrong number of axes, channels not divisible by ``r*r``.

    Source: Shi et al., arXiv 1609.05158, equation 4; the ONNX operator DepthToSpace.

    >>> import numpy as np
    >>> pixel_shuffle(np.arange(4).reshape(1, 4, 1, 1), 2)[0, 0].tolist()
    [[0, 1], [2, 3]]
    """
    x, r = _checked("pixel_shuffle", x, r, layout, order)
    first = layout in ("NCHW", "CHW")
    h, w, channels = _sizes(x, first)
    if channels % (r * r):
        raise InvalidArgument(
            f"pixel_shuffle: {channels} channels of shape {x.shape} ({layout}) are not divisible by "
            f"r*r = {r * r}; a multiple of {r * r} channels would be right"
        )
    c = channels // (r * r)
    lead = x.shape[: x.ndim - 3]
    k = len(lead)
    if first:
        split = (c, r, r) if order == "CRD" else (r, r, c)
        y = x.reshape(*lead, *split, h, w)
        perm = (0, 3, 1, 4, 2) if order == "CRD" else (2, 3, 0, 4, 1)
        out_shape = (*lead, c, h * r, w * r)
    else:
        split = (c, r, r) if order == "CRD" else (r, r, c)
        y = x.reshape(*lead, h, w, *split)
        perm = (0, 3, 1, 4, 2) if order == "CRD" else (0, 2, 1, 3, 4)
        out_shape = (*lead, h * r, w * r, c)
    y = y.transpose(*range(k), *(k + p for p in perm))
    return y.copy().reshape(out_shape)


def pixel_unshuffle(x: NDArray[Any], r: int, *, layout: Layout = "NCHW", order: Order = "CRD") -> NDArray[Any]:
    """Exact inverse of :func:`pixel_shuffle`: ``(N, C, H*r, W*r)`` becomes ``(N, C*r*r, H, W)``.

    Args:
        x: array of any dtype whose height and width are multiples of ``r``.
        r: downscaling factor, at least 1.
        layout: as for :func:`pixel_shuffle`.
        order: as for :func:`pixel_shuffle`; the same order undoes it.

    Raises:
        InvalidArgument: ``r`` below 1, wrong number of axes, sides not divisible by ``r``.

    Source: the ONNX operator SpaceToDepth (there ``DCR``), torch ``pixel_unshuffle`` (``CRD``).

    >>> import numpy as np
    >>> pixel_unshuffle(np.arange(4).reshape(1, 1, 2, 2), 2)[0, :, 0, 0].tolist()
    [0, 1, 2, 3]
    """
    x, r = _checked("pixel_unshuffle", x, r, layout, order)
    first = layout in ("NCHW", "CHW")
    h, w, c = _sizes(x, first)
    if h % r or w % r:
        raise InvalidArgument(
            f"pixel_unshuffle: height {h} and width {w} of shape {x.shape} ({layout}) are not both divisible by r = {r}"
        )
    lead = x.shape[: x.ndim - 3]
    k = len(lead)
    if first:
        y = x.reshape(*lead, c, h // r, r, w // r, r)
        perm = (0, 2, 4, 1, 3) if order == "CRD" else (2, 4, 0, 1, 3)
        out_shape = (*lead, c * r * r, h // r, w // r)
    else:
        y = x.reshape(*lead, h // r, r, w // r, r, c)
        perm = (0, 2, 4, 1, 3) if order == "CRD" else (0, 2, 1, 3, 4)
        out_shape = (*lead, h // r, w // r, c * r * r)
    y = y.transpose(*range(k), *(k + p for p in perm))
    return y.copy().reshape(out_shape)


def _checked(op: str, x: NDArray[Any], r: int, layout: str, order: str) -> tuple[NDArray[Any], int]:
    x = np.asarray(x)
    if isinstance(r, bool) or not isinstance(r, (int, np.integer)) or r < 1:
        raise InvalidArgument(f"{op}: r={r!r}: a whole number of at least 1 is needed")
    if layout not in _LAYOUTS:
        raise InvalidArgument(f"{op}: layout={layout!r}: one of {', '.join(_LAYOUTS)} is needed")
    if order not in ("CRD", "DCR"):
        raise InvalidArgument(f"{op}: order={order!r}: 'CRD' or 'DCR' is needed")
    if x.ndim != len(layout):
        raise InvalidArgument(f"{op}: shape {x.shape} has {x.ndim} axes, layout {layout} has {len(layout)}")
    return x, int(r)  # a NumPy integer would wrap around in r * r


def _sizes(x: NDArray[Any], channels_first: bool) -> tuple[int, int, int]:
    if channels_first:
        c, h, w = x.shape[-3:]
    else:
        h, w, c = x.shape[-3:]
    return h, w, c
