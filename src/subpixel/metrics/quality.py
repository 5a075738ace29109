"""PSNR and SSIM of arrays and tensors, with the conventions of scikit-image as named arguments."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument
from subpixel.ops.arrays import enter

__all__ = ["psnr", "ssim"]

F64 = NDArray[np.float64]

# The dtypes whose codes have one meaning: 0 is black and the largest code is white.
_RANGES = {"uint8": 255.0, "uint16": 65535.0}

_WINDOW = 11  # side of SSIM's Gaussian window
_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03


def psnr(
    result: Any, truth: Any, *, data_range: float | None = None, crop: int = 0, channel_axis: int | None = None
) -> float:
    """Peak signal-to-noise ratio in dB: ``10 log10(data_range² / mean squared error)``, over all samples together.

    Args:
        result: an array of any shape, such as ``(H, W)``, ``(H, W, C)`` or ``(N, C, H, W)``: NumPy, torch (any device)
            or another array that supports DLPack. Integers or floats.
        truth: the reference, of the same shape and library.
        data_range: the distance from the darkest to the brightest value. Default: 255 for uint8 and 65535 for uint16,
            where both arrays have that dtype. Required for any other dtype: floats may be 0 … 1, -1 … 1 or 0 … 255.
        crop: samples left out at each side of the image. The image's axes are the last two; with ``channel_axis``
            they are the last two of the others.
        channel_axis: the axis of the channels, ``-1`` for ``(H, W, C)``. It matters only with ``crop``.

    Returns:
        dB; infinite for equal arrays. Computed in float64.

    Raises:
        InvalidArgument: the shapes or libraries differ, ``data_range`` is needed and missing or not above 0, ``crop``
            leaves nothing, or there is no such axis.

    The same as ``skimage.metrics.peak_signal_noise_ratio`` with ``data_range`` given.

    >>> import numpy as np
    >>> image = np.full((4, 6, 3), 100, np.uint8)
    >>> round(psnr(image, image + 1), 2)
    48.13
    >>> round(psnr(image / 255, (image + 1) / 255, data_range=1), 2)
    48.13
    """
    a, b, peak = _to_float64("psnr", result, truth, data_range)
    axis = _axis("psnr", channel_axis, a.ndim)
    if crop or a.size == 0:
        inside = _inside("psnr", a.shape, crop, axis)
        a, b = a[inside], b[inside]
    error = float(np.mean((a - b) ** 2))
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


def ssim(
    result: Any, truth: Any, *, data_range: float | None = None, crop: int = 0, channel_axis: int | None = None
) -> float:
    """Mean structural similarity: Gaussian window of 11×11, σ = 1.5, K1 = 0.01, K2 = 0.03, valid region only.

    Args:
        result: ``(…, H, W)``, each image at least 11×11 after the crop; or with one more axis for channels, anywhere.
            NumPy, torch (any device) or another array that supports DLPack. Integers or floats.
        truth: the reference, of the same shape and library.
        data_range: the distance from the darkest to the brightest value, as for :func:`psnr`: by default 255 for uint8
            and 65535 for uint16, required for any other dtype.
        crop: samples left out at each side of the image.
        channel_axis: the axis of the channels, ``-1`` for ``(H, W, C)`` and ``1`` for ``(N, C, H, W)``. The result is
            the mean over the channels. Required for three axes, since ``(H, W, C)`` and ``(C, H, W)`` look alike.

    Returns:
        At most 1, for equal arrays. The mean over all images and channels. Computed in float64.

    Raises:
        InvalidArgument: as for :func:`psnr`; an image smaller than the window; or three axes without ``channel_axis``.

    The same as ``skimage.metrics.structural_similarity`` with ``data_range`` given, ``gaussian_weights=True`` and
    ``use_sample_covariance=False``, for one image. scikit-image slides a window of ``N`` dimensions over ``N`` axes
    that are not channels; here the window always has two, and further axes count images.

    Source: Wang et al., IEEE Transactions on Image Processing 13 (4), 2004, equation 13.

    >>> import numpy as np
    >>> image = np.arange(16 * 20 * 3).reshape(16, 20, 3).astype(np.uint8)
    >>> ssim(image, image, channel_axis=-1)
    1.0
    """
    a, b, peak = _to_float64("ssim", result, truth, data_range)
    axis = _axis("ssim", channel_axis, a.ndim)
    if a.ndim == 3 and axis is None:
        raise InvalidArgument(f"ssim: shape {a.shape}: channel_axis is needed, -1 for (H, W, C) or 0 for (C, H, W)")
    if axis is not None:
        a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    inside = _inside("ssim", a.shape, crop, None)
    a, b = a[inside], b[inside]
    if min(a.shape[-2:]) < _WINDOW:
        raise InvalidArgument(f"ssim: {a.shape[-2:]} after the crop is smaller than the window of {_WINDOW}×{_WINDOW}")
    # One image at a time, so that the memory is that of one.
    planes = zip(a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:]), strict=True)
    return float(np.mean([_plane_ssim(x, y, peak) for x, y in planes]))


def _plane_ssim(a: F64, b: F64, peak: float) -> float:
    c1, c2 = (_K1 * peak) ** 2, (_K2 * peak) ** 2
    mean_a, mean_b = _blur(a), _blur(b)
    var_a = _blur(a * a) - mean_a**2
    var_b = _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    score = ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(score.mean())


def _blur(x: F64) -> F64:
    """The Gaussian means of all windows that lie inside of the plane."""
    half = _WINDOW // 2
    window = np.exp(-((np.arange(_WINDOW) - half) ** 2) / (2 * _SIGMA**2))
    window /= window.sum()
    rows = sum(window[k] * x[k : x.shape[0] - 2 * half + k] for k in range(_WINDOW))
    assert isinstance(rows, np.ndarray)
    both = sum(window[k] * rows[:, k : x.shape[1] - 2 * half + k] for k in range(_WINDOW))
    assert isinstance(both, np.ndarray)
    return both


def _to_float64(name: str, result: Any, truth: Any, data_range: Any) -> tuple[F64, F64, float]:
    """Both arrays in float64, and the data range."""
    arithmetic, arrays, _ = enter(name, result, truth)
    dtypes = [arithmetic.dtype(x) for x in arrays]
    if tuple(arrays[0].shape) != tuple(arrays[1].shape):
        shapes = " and ".join(str(tuple(x.shape)) for x in arrays)
        raise InvalidArgument(f"{name}: arrays of one shape are needed, not {shapes}")
    if arrays[0].ndim < 2:
        raise InvalidArgument(f"{name}: shape {tuple(arrays[0].shape)}: at least (H, W) is needed")
    if any("complex" in dtype for dtype in dtypes):
        raise InvalidArgument(f"{name}: {' and '.join(dtypes)}: integers or floats are needed")
    peak = _peak(name, dtypes, data_range)
    a, b = (np.asarray(_on_host(x), np.float64) for x in arrays)
    return a, b, peak


def _on_host(x: Any) -> Any:
    """A tensor's values in float64 in main memory; anything else as it is."""
    return x if isinstance(x, np.ndarray) else x.detach().cpu().double().numpy()


def _peak(name: str, dtypes: list[str], data_range: Any) -> float:
    if data_range is None:
        if dtypes[0] != dtypes[1] or dtypes[0] not in _RANGES:
            given = " and ".join(dict.fromkeys(dtypes))
            raise InvalidArgument(
                f"{name}: data_range is needed for {given}, for example 1 for values from 0 to 1; "
                "only uint8 and uint16 have a default"
            )
        return _RANGES[dtypes[0]]
    if isinstance(data_range, bool) or not isinstance(data_range, (numbers.Real, np.number)):
        raise InvalidArgument(f"{name}: data_range={data_range!r}: a number above 0 is needed")
    peak = float(data_range)
    if not (math.isfinite(peak) and peak > 0):
        raise InvalidArgument(f"{name}: data_range={data_range!r}: a number above 0 is needed")
    return peak


def _axis(name: str, channel_axis: int | None, dimensions: int) -> int | None:
    """The axis counted from 0."""
    if channel_axis is None:
        return None
    if not -dimensions <= channel_axis < dimensions:
        raise InvalidArgument(f"{name}: channel_axis={channel_axis}: an array of {dimensions} axes has no such axis")
    if dimensions < 3:
        raise InvalidArgument(f"{name}: channel_axis={channel_axis}: (H, W) has no axis for channels")
    return channel_axis % dimensions


def _inside(name: str, shape: tuple[int, ...], crop: Any, channel_axis: int | None) -> tuple[slice, ...]:
    """What the crop leaves of each axis."""
    height, width = [k for k in range(len(shape)) if k != channel_axis][-2:]
    if isinstance(crop, bool) or not isinstance(crop, (int, np.integer)) or crop < 0:
        raise InvalidArgument(f"{name}: crop={crop!r}: an integer of at least 0 is needed")
    if min(shape[height], shape[width]) <= 2 * crop or 0 in shape:
        raise InvalidArgument(f"{name}: crop={crop} leaves nothing of shape {shape}")
    return tuple(slice(crop, side - crop) if k in (height, width) else slice(None) for k, side in enumerate(shape))
