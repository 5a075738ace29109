"""Clips to calibrate networks for videos: a window that pans over a still image.

The window moves by whole pixels per frame, in another direction over each image. In the small frames that is a
fraction of a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.backends.base import Planes, VideoSession
from subpixel.backends.frame_sequence import FrameSequence
from subpixel.errors import InvalidArgument
from subpixel.metrics.protocol import luma_255, shrink
from subpixel.models.spec import Spec

__all__ = ["pan", "run_sequence"]

_FRAMES, _SIDE = 8, 56

# Movement of the window per frame in pixels of the large image: down, right.
_STEPS = ((0, 0), (1, 2), (-2, 1), (3, -3), (0, 5), (-4, -1), (2, 0), (-1, -6))


def pan(path: Path, pixels: NDArray[np.uint8], number: int, scale: int) -> list[tuple[Planes, NDArray[np.float64]]]:
    """The frames of a window that pans over an image.

    Args:
        path: the path of the image, for the error message.
        pixels: ``(H, W, C)`` u8.
        number: selects one of eight directions.
        scale: the factor between large and small frames.

    Returns:
        For each frame, small luma ``(1, H, W)`` of 0 … 1 and large luma ``(H*scale, W*scale)`` of 0 … 255.

    Raises:
        InvalidArgument: the image is too small for a window that moves.
    """
    steps = _STEPS[number % len(_STEPS)]
    room = [length - abs(step) * (_FRAMES - 1) for length, step in zip(pixels.shape[:2], steps, strict=True)]
    rows, columns = (min(_SIDE, length // scale) * scale for length in room)
    if min(rows, columns) < scale:
        raise InvalidArgument(f"{path}: is too small for a window that moves")
    frames = []
    for t in range(_FRAMES):
        y, x = (
            (length - side) // 2 + abs(step) * (t if step >= 0 else _FRAMES - 1 - t)
            for length, side, step in zip(room, (rows, columns), steps, strict=True)
        )
        small, large = shrink(pixels[y : y + rows, x : x + columns], scale)
        frames.append(((luma_255(small) / 255).astype(np.float32)[None], luma_255(large)))
    return frames


def run_sequence(session: VideoSession, spec: Spec, frames: Sequence[Planes]) -> list[Planes]:
    """The results for all frames of one scene."""
    steps = FrameSequence(session, spec)
    result = [steps.push(frame) for frame in frames]
    return [y for y in result if y is not None] + steps.flush()
