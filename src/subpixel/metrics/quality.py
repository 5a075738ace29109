"""PSNR and SSIM with every convention in sight: values in 0 … 255, f64, one plane."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import InvalidArgument

__all__ = ["psnr", "ssim"]

F64 = NDArray[np.float64]


def psnr(result: NDArray[np.floating], truth: NDArray[np.floating], *, peak: float = 255.0, crop: int = 0) -> float:
    """Peak signal-to-noise ratio in dB, ``10 log10(peak² / mean squared error)``; infinite for equal planes.

    Args:
        result: ``(H, W)``.
        truth: ``(H, W)``.
        peak: the value that counts as full signal.
        crop: samples left out at each side.

    Raises:
        InvalidArgument: shapes that differ, or nothing left after the crop.

    >>> import numpy as np
    >>> round(psnr(np.zeros((8, 8)), np.full((8, 8), 1.0)), 2)
    48.13
    """
    a, b = _pair("psnr", result, truth, crop)
    error = float(np.mean((a - b) ** 2))
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


def ssim(result: NDArray[np.floating], truth: NDArray[np.floating], *, peak: float = 255.0, crop: int = 0) -> float:
    """Mean structural similarity: Gaussian window 11×11 of σ 1.5, K1 = 0.01, K2 = 0.03, valid region.

    Args:
        result: ``(H, W)``, after the crop at least 11×11.
        truth: ``(H, W)``.
        peak: the dynamic range L.
        crop: samples left out at each side.

    Raises:
        InvalidArgument: shapes that differ, or planes smaller than the window.

    Source: Wang et al., IEEE Transactions on Image Processing 13 (4), 2004, equation 13.

    >>> import numpy as np
    >>> ssim(np.eye(16) * 255, np.eye(16) * 255)
    1.0
    """
    a, b = _pair("ssim", result, truth, crop)
    if min(a.shape) < 11:
        raise InvalidArgument(f"ssim: {a.shape} after the crop is smaller than its window of 11×11")
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2
    mean_a, mean_b = _blur(a), _blur(b)
    var_a = _blur(a * a) - mean_a**2
    var_b = _blur(b * b) - mean_b**2
    covariance = _blur(a * b) - mean_a * mean_b
    score = ((2 * mean_a * mean_b + c1) * (2 * covariance + c2)) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(score.mean())


def _blur(x: F64) -> F64:
    window = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window /= window.sum()
    rows = sum(window[k] * x[k : x.shape[0] - 10 + k] for k in range(11))
    assert isinstance(rows, np.ndarray)
    both = sum(window[k] * rows[:, k : x.shape[1] - 10 + k] for k in range(11))
    assert isinstance(both, np.ndarray)
    return both


def _pair(name: str, result: NDArray[np.floating], truth: NDArray[np.floating], crop: int) -> tuple[F64, F64]:
    if result.shape != truth.shape or result.ndim != 2:
        raise InvalidArgument(f"{name}: planes of one shape (H, W) are needed, given {result.shape} and {truth.shape}")
    if crop < 0 or min(result.shape) <= 2 * crop:
        raise InvalidArgument(f"{name}: a crop of {crop} leaves nothing of {result.shape}")
    inside = (slice(crop, result.shape[0] - crop), slice(crop, result.shape[1] - crop))
    return result[inside].astype(np.float64), truth[inside].astype(np.float64)
