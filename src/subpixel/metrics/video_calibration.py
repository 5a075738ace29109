"""What a network for videos is calibrated on: images that a window pans over.

It moves by whole pixels a frame, another way over each image; made small, that is a part of a pixel.
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

# Pixels of the large image that the window moves a frame, down and to the right.
_STEPS = ((0, 0), (1, 2), (-2, 1), (3, -3), (0, 5), (-4, -1), (2, 0), (-1, -6))


def pan(path: Path, pixels: NDArray[np.uint8], number: int, scale: int) -> list[tuple[Planes, NDArray[np.float64]]]:
    """Frames of the window's way over an image.

    Args:
        path: for the error.
        pixels: the image.
        number: which way.
        scale: how many times smaller the small frames are.

    Returns:
        Small luma ``(1, H, W)`` of 0 … 1 and large luma ``(H*scale, W*scale)`` of 0 … 255, frame after frame.

    Raises:
        InvalidArgument: an image without room for a window that moves.
    """
    steps = _STEPS[number % len(_STEPS)]
    room = [length - abs(step) * (_FRAMES - 1) for length, step in zip(pixels.shape[:2], steps, strict=True)]
    rows, columns = (min(_SIDE, length // scale) * scale for length in room)
    if min(rows, columns) < scale:
        raise InvalidArgument(f"{path}: is too small for a window that moves over it")
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
    """Results for the frames of one scene."""
    steps = FrameSequence(session, spec)
    result = [steps.push(frame) for frame in frames]
    return [y for y in result if y is not None] + steps.flush()
