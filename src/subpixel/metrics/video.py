"""The protocol for videos: reference clips are shrunk, upscaled in order, and compared frame by frame.

All frames count, and 8 samples at each side do not, as in most papers on video. Papers differ in how the small frames
were made: bicubic filters and blur with decimation are 1.5 to 4.7 dB apart. So every report names the filter.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.backends import Session, choose_backend
from subpixel.errors import InvalidArgument
from subpixel.metrics.clips import frames_of, rgb_of
from subpixel.metrics.flow import flow_between
from subpixel.metrics.protocol import codes_255, luma_255, shrink
from subpixel.metrics.quality import psnr, ssim
from subpixel.models.bicubic import bicubic
from subpixel.ops import warp
from subpixel.upscaler import Upscaler

__all__ = ["evaluate_video"]

Plane = NDArray[np.float64]

_CROP = 8
# The largest difference in codes between a true frame and the one before it, warped. Where it is larger, the sample was
# hidden or the flow is wrong.
_MASK_LIMIT = 8.0

PROTOCOL = {
    "frames": "all, each for itself, then averaged over the frames of a clip; the mean is that of the clips",
    "colour": "Y of BT.601, studio range 16-235, float64, not rounded",
    "prediction": "rounded and clipped to 8 bits",
    "crop": str(_CROP),
    "psnr": "peak 255",
    "ssim": "Gaussian 11x11, sigma 1.5, K1 0.01, K2 0.03, valid region",
    "warping_error": "root mean square, in codes of 255, of a frame's difference from the one before it, brought along "
    "the motion that Lucas-Kanade finds in the true clip (coarse to fine, windows of 15x15, linear), where the true "
    f"clip's own difference is below {_MASK_LIMIT:g}; less is steadier, and a blurred result is steady, too",
    "low_resolution": "MATLAB imresize bicubic, antialiased, of R, G and B in u8; no blur before, no noise after",
}


@dataclass
class _Tally:
    """Figures of one method, frame by frame."""

    psnr: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    warped: list[float] = field(default_factory=list)
    _before: Plane | None = None

    def add(self, plane: Plane, truth: Plane, motion: _Motion | None, *, is_truth: bool = False) -> None:
        if not is_truth:
            self.psnr.append(psnr(plane, truth, data_range=255, crop=_CROP))
            self.ssim.append(ssim(plane, truth, data_range=255, crop=_CROP))
        if motion is not None and self._before is not None:
            self.warped.append(motion.error(self._before, plane))
        self._before = plane

    def figures(self) -> dict[str, float]:
        known = {"psnr_y": self.psnr, "ssim_y": self.ssim, "warping_error": self.warped}
        return {name: float(np.mean(values)) for name, values in known.items() if values}


class _Motion:
    """The motion of the true clip from one frame to the next, and where it can be trusted."""

    def __init__(self, before: Plane, after: Plane) -> None:
        self.flow = flow_between(before, after)
        self.mask = np.ones(after.shape, bool)
        inner = np.zeros(after.shape, bool)
        inner[_CROP:-_CROP, _CROP:-_CROP] = True
        self.mask = inner & (np.abs(after - self._warp(before)) < _MASK_LIMIT)

    def error(self, before: Plane, after: Plane) -> float:
        difference = (after - self._warp(before))[self.mask]
        return float(np.sqrt(np.mean(difference**2))) if difference.size else 0.0

    def _warp(self, plane: Plane) -> Plane:
        result: Plane = warp(plane[None, None], self.flow[None].astype(np.float64), padding_mode="border")[0, 0]
        return result


def evaluate_video(
    upscaler: Upscaler,
    files: Sequence[str | Path],
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Measure a model on reference clips.

    Args:
        upscaler: the model to measure. A model for images reads each frame alone, one for videos reads them in order.
        files: videos without visible compression; each is one clip.
        progress: called with the name of the clip and the number of each frame.

    Returns:
        ``{"model", "scale", "backend", "precision", "threads", "protocol", "clips", "mean"}``. A clip has ``frames``,
        ``psnr_y``, ``ssim_y``, ``warping_error``, the same three of ``bicubic``, the ``warping_error`` of the
        ``truth``, and the ``seconds`` of upscaling.

    Raises:
        InvalidArgument: there is no clip, two clips have one name, or the frames are too small to measure.
        ImageReadError, Unsupported: a video cannot be read.
    """
    names = [Path(file).name for file in files]
    if not names or len(set(names)) < len(names):
        raise InvalidArgument("evaluate: at least one clip is needed, and clips of different names")
    network = upscaler.network()
    plain = choose_backend("auto", "f32")[0].prepare(bicubic(network.scale), {}, "f32", upscaler.threads)
    clips = {name: _clip(upscaler, plain, Path(file), progress) for name, file in zip(names, files, strict=True)}
    mean: dict[str, Any] = _mean([*clips.values()])
    for name in ("bicubic", "truth"):
        mean[name] = _mean([clip[name] for clip in clips.values()])
    return {
        "model": network.model.name,
        "scale": network.scale,
        "backend": upscaler.backend,
        "precision": upscaler.precision,
        "threads": upscaler.threads,
        "protocol": PROTOCOL,
        "clips": clips,
        "mean": mean,
    }


def _clip(upscaler: Upscaler, plain: Session, path: Path, progress: Callable[[str], None] | None) -> dict[str, Any]:
    ours, plain_figures, true_figures = _Tally(), _Tally(), _Tally()
    waiting: deque[tuple[Plane, NDArray[np.float32]]] = deque()
    before: Plane | None = None
    seconds = 0.0
    for result, took in _results(upscaler, path, waiting):
        seconds += took
        truth, small = waiting.popleft()
        motion = None if before is None else _Motion(before, truth)
        ours.add(codes_255(result), truth, motion)
        plain_figures.add(codes_255(plain(small[None])[0]), truth, motion)
        true_figures.add(truth, truth, motion, is_truth=True)
        before = truth
        if progress:
            progress(f"{path.name} {len(ours.psnr)}")
    if not ours.psnr:
        raise InvalidArgument(f"{path}: has no frames")
    return {
        "frames": len(ours.psnr),
        **ours.figures(),
        "bicubic": plain_figures.figures(),
        "truth": true_figures.figures(),
        "seconds": seconds,
    }


def _results(
    upscaler: Upscaler, path: Path, waiting: deque[tuple[Plane, NDArray[np.float32]]]
) -> Iterator[tuple[NDArray[np.float32], float]]:
    """Luma of the upscaled frames in order, with their seconds. True luma and small luma are queued in ``waiting``."""
    network = upscaler.network()
    frames = network.frames()
    before = 0.0  # seconds of calls that have not given a result yet
    for frame in frames_of(path):
        small, large = shrink(rgb_of(frame), network.scale)
        if min(large.shape[:2]) < 2 * _CROP + 11:
            raise InvalidArgument(f"{path}: frames of {large.shape[1]}×{large.shape[0]} are too small to measure")
        y = (luma_255(small) / 255).astype(np.float32)
        waiting.append((luma_255(large), y))
        start = time.perf_counter()
        if network.colour == "luma":
            result = frames.push_luma(y)
        else:
            result = (luma_255(upscaler(small)) / 255).astype(np.float32)
        took = time.perf_counter() - start
        if result is None:
            before += took
        else:
            yield result, before + took
            before = 0.0
    start = time.perf_counter()
    for result in frames.flush_luma():
        yield result, time.perf_counter() - start
        start = time.perf_counter()


def _mean(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean of each figure that all parts have."""
    return {
        key: float(np.mean([part[key] for part in parts]))
        for key in ("psnr_y", "ssim_y", "warping_error")
        if all(key in part for part in parts)
    }
