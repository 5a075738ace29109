"""Separable interpolation: every output sample is a weighted sum of a few input samples per axis.

:func:`axis_taps` states an axis once, as indices and weights; :func:`resize` and the engines apply it.
Positions are half-pixel centred: output sample ``i`` lies at ``(i + 0.5) / scale - 0.5`` of the input.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["AxisTaps", "Border", "Mode", "axis_taps", "resize"]

Mode = Literal["nearest", "linear", "cubic"]
Border = Literal["replicate", "symmetric"]

# Half-width of each kernel in input samples; also how far an interpolated sample reaches when enlarging.
SUPPORT: dict[str, int] = {"nearest": 0, "linear": 1, "cubic": 2}

_MAX_SIDE = 2**31 - 1


@dataclass(frozen=True)
class AxisTaps:
    """One axis of a resize: ``out[i] = sum_t weight[i, t] * x[index[i, t]]``.

    ``index`` is ``(n_out, T)`` int64 within ``0 … n_in - 1``; ``weight`` is ``(n_out, T)`` float64, rows sum to 1.
    """

    index: NDArray[np.int64]
    weight: NDArray[np.float64]


def axis_taps(
    n_in: int,
    n_out: int,
    scale: float,
    *,
    mode: Mode = "cubic",
    a: float = -0.5,
    antialias: bool = False,
    border: Border = "replicate",
) -> AxisTaps:
    """Indices and weights of one axis.

    Args:
        n_in: input samples, at least 1.
        n_out: output samples, at least 1.
        scale: output samples per input sample (positions are computed from it, not from the sizes).
        mode: ``nearest`` (ties go down), ``linear`` (triangle) or ``cubic`` (Keys, with the given ``a``).
        a: the cubic's free parameter: −0.5 in MATLAB and Pillow, −0.75 in torch and OpenCV.
        antialias: when shrinking, widen the kernel by ``1/scale`` (MATLAB's and Pillow's behaviour).
        border: what lies outside: the edge sample (``replicate``) or the mirrored picture including its
            edge sample (``symmetric``, MATLAB).

    Returns:
        An :class:`AxisTaps`.

    Source: Keys 1981, equation 4 for ``a = -0.5``; the position formula of MATLAB's ``imresize``.

    >>> axis_taps(2, 4, 2.0, mode="linear").weight[1].tolist()
    [0.75, 0.25]
    """
    if n_in < 1 or n_out < 1 or n_in > _MAX_SIDE or n_out > _MAX_SIDE:
        raise InvalidArgument(f"resize: {n_in} to {n_out} samples: both must be 1 … {_MAX_SIDE}")
    if not (math.isfinite(scale) and scale > 0):
        raise InvalidArgument(f"resize: scale={scale}: a finite number above 0 is needed")
    if mode not in SUPPORT:
        raise InvalidArgument(f"resize: mode={mode!r}: one of {', '.join(SUPPORT)} is needed")
    if border not in ("replicate", "symmetric"):
        raise InvalidArgument(f"resize: border={border!r}: 'replicate' or 'symmetric' is needed")
    # Whole and broken part of the position apart: for a whole scale the broken part, and with it the weights,
    # then repeat exactly, so that a tile of a picture gets the very weights that the picture gets.
    sample = np.arange(n_out, dtype=np.int64)
    if scale == int(scale):
        whole, part = sample // int(scale), (sample % int(scale) + 0.5) / scale - 0.5
    else:
        whole, part = np.zeros_like(sample), (sample + 0.5) / scale - 0.5
    if mode == "nearest":
        # ceil(p - 1/2) rounds halves down, so that a whole factor r repeats each sample r times.
        index = (whole + np.ceil(part - 0.5).astype(np.int64))[:, None]
        return AxisTaps(_inside(index, n_in, border), np.ones((n_out, 1)))
    widen = scale if antialias and scale < 1 else 1.0
    support = SUPPORT[mode] / widen
    taps = 2 * math.ceil(support)
    first = np.floor(part - support).astype(np.int64) + 1
    if widen != 1.0:
        # A widened kernel of non-integer width can touch one sample more on the right.
        taps += 1
    index = first[:, None] + np.arange(taps, dtype=np.int64)
    weight = _kernel((part[:, None] - index) * widen, mode, a)
    weight /= weight.sum(axis=1, keepdims=True)
    return AxisTaps(_inside(whole[:, None] + index, n_in, border), weight)


def resize(
    x: NDArray[Any],
    size: Sequence[int] | None = None,
    *,
    scale: float | Sequence[float] | None = None,
    mode: Mode = "cubic",
    a: float = -0.5,
    antialias: bool = False,
    border: Border = "replicate",
    layout: Literal["HW", "HWC", "CHW", "NCHW"] = "HWC",
) -> NDArray[Any]:
    """Resize the two image axes of an array.

    Args:
        x: u8, u16, f32 or f64 array in the given layout, each side at least 1.
        size: ``(height, width)`` wanted, or
        scale: factor, one for both axes or ``(vertical, horizontal)``; the size is then ``ceil(side * scale)``.
            With both given, ``size`` is the size and ``scale`` sets the positions.
        mode: ``nearest``, ``linear`` or ``cubic``.
        a: the cubic's parameter, −0.5 by default (MATLAB, Pillow; torch and OpenCV use −0.75).
        antialias: widen the kernel when shrinking.
        border: ``replicate`` or ``symmetric``.
        layout: which axes are height and width.

    Returns:
        A new array of the same dtype. Whole-number dtypes are computed in f64, clipped, and rounded half up
        after each axis, as MATLAB's ``imresize`` does: with ``antialias=True`` it reproduces that function's
        bicubic to the byte. Its border is documented as ``symmetric``, but the low-resolution files of Set5 and
        Set14 that circulate come out, every byte, with ``replicate``.

    Raises:
        InvalidArgument: wrong shape, neither size nor scale, a size or scale that is not positive and finite.

    >>> import numpy as np
    >>> resize(np.array([[1.0, 2.0], [3.0, 4.0]]), scale=2, mode="linear", layout="HW")[0].tolist()
    [1.0, 1.25, 1.75, 2.0]
    """
    x = np.asarray(x)
    if layout not in ("HW", "HWC", "CHW", "NCHW"):
        raise InvalidArgument(f"resize: layout={layout!r}: one of HW, HWC, CHW, NCHW is needed")
    if x.ndim != len(layout):
        raise InvalidArgument(f"resize: shape {x.shape} does not fit layout {layout}")
    if x.dtype not in (np.uint8, np.uint16, np.float32, np.float64):
        raise InvalidArgument(f"resize: dtype {x.dtype}: u8, u16, f32 or f64 is needed")
    axes = (layout.index("H"), layout.index("W"))
    factors = _pair("scale", scale) if scale is not None else None
    if size is not None:
        if len(size) != 2:
            raise InvalidArgument(f"resize: size={tuple(size)}: (height, width) is needed")
        sizes = (int(size[0]), int(size[1]))
    elif factors is not None:
        for f in factors:
            if not (math.isfinite(f) and f > 0):
                raise InvalidArgument(f"resize: scale={f}: a finite number above 0 is needed")
        sizes = (math.ceil(x.shape[axes[0]] * factors[0]), math.ceil(x.shape[axes[1]] * factors[1]))
    else:
        raise InvalidArgument("resize: size or scale is needed")
    if factors is None:
        factors = (sizes[0] / max(x.shape[axes[0]], 1), sizes[1] / max(x.shape[axes[1]], 1))

    integral = x.dtype.kind == "u"
    top = float(np.iinfo(x.dtype).max) if integral else 0.0
    y: NDArray[Any] = x
    # The axis that shrinks most comes first, so that the second has the least to do.
    for k in sorted((0, 1), key=lambda k: factors[k]):
        taps = axis_taps(x.shape[axes[k]], sizes[k], factors[k], mode=mode, a=a, antialias=antialias, border=border)
        y = _apply(y, axes[k], taps, np.float64 if integral or x.dtype == np.float64 else np.float32)
        if integral:
            y = np.floor(np.clip(y, 0.0, top) + 0.5)
    return y.astype(x.dtype)


def _apply(x: NDArray[Any], axis: int, taps: AxisTaps, dtype: type[np.floating[Any]]) -> NDArray[Any]:
    shape = [1] * x.ndim
    shape[axis] = -1
    out: NDArray[Any] | None = None
    for t in range(taps.index.shape[1]):
        part = np.take(x, taps.index[:, t], axis=axis) * taps.weight[:, t].astype(dtype).reshape(shape)
        out = part if out is None else np.add(out, part, out=out)
    assert out is not None
    return out


def _kernel(d: NDArray[np.float64], mode: Mode, a: float) -> NDArray[np.float64]:
    d = np.abs(d)
    if mode == "linear":
        return np.maximum(0.0, 1.0 - d)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _inside(index: NDArray[np.int64], n: int, border: Border) -> NDArray[np.int64]:
    if border == "replicate":
        return np.clip(index, 0, n - 1)
    folded = np.mod(index, 2 * n)
    return np.where(folded < n, folded, 2 * n - 1 - folded)


def _pair(name: str, value: float | Sequence[float]) -> tuple[float, float]:
    if isinstance(value, (int, float, np.number)):
        return float(value), float(value)
    if len(value) != 2:
        raise InvalidArgument(f"resize: {name}={value}: one number or (vertical, horizontal) is needed")
    return float(value[0]), float(value[1])
