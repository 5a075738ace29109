"""The frames of an animated PNG: composed on a canvas when it is read, and cut to what changes when it is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.image.files.containers import apng
from subpixel.image.files.containers.apng import Animation, Control
from subpixel.image.files.open_file import OpenFile

__all__ = ["AnimatedPng", "save_animation"]

Frame = NDArray[Any]


@dataclass(frozen=True)
class AnimatedPng:
    """The animation of an open PNG.

    Args:
        animation: its structure.
        gray: whether its palette holds nothing but grays, and channels are dropped.
    """

    animation: Animation
    gray: bool = False

    def has_alpha(self, bands: int) -> bool:
        """Whether pixels may be transparent: by their own alpha, or because no frame covers them.

        Args:
            bands: of a decoded frame.
        """
        if bands in (2, 4):
            return True
        width, height = self.animation.size
        frames = self.animation.frames
        first = frames[0]
        if (first.width, first.height) == (width, height) and all(f.disposal == apng.NONE for f in frames):
            return False
        covered = np.zeros((height, width), bool)
        for _, shown in _compose(frames, covered, lambda frame: np.ones((frame.height, frame.width), bool), _replace):
            if not shown.all():
                return True
        return False

    def load(self, file: OpenFile, bands: int, dtype: np.dtype[Any]) -> Frame:
        """All frames below each other, ``(H·N, W, C)``.

        Args:
            file: the file.
            bands: C: 1 to 4.
            dtype: u8 or u16.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is damaged.
            pyvips.Error: libvips cannot decode a frame.
        """
        width, height = self.animation.size
        frames = self.animation.frames
        result = np.empty((len(frames), height, width, bands), dtype)
        with file.reader() as reader:

            def decode(control: Control) -> Frame:
                content = apng.frame_png(self.animation, control, reader)
                image = pyvips.Image.new_from_buffer(content, "", fail_on="error", access="sequential")
                pixels: Frame = image.numpy().reshape(control.height, control.width, image.bands)
                if self.gray:
                    pixels = pixels[..., [0, 3]] if image.bands == 4 else pixels[..., :1]
                if bands in (2, 4) and pixels.shape[2] in (1, 3):
                    opaque = np.full((*pixels.shape[:2], 1), np.iinfo(dtype).max, dtype)
                    pixels = np.concatenate([pixels, opaque], axis=2)
                return pixels

            canvas = np.zeros((height, width, bands), dtype)
            for index, shown in _compose(frames, canvas, decode, _blend_over if bands in (2, 4) else _replace):
                result[index] = shown
        stacked: Frame = result.reshape(-1, width, bands)
        return stacked


def save_animation(
    path: str | Path,
    image: pyvips.Image,
    delays: Sequence[tuple[int, int]],
    plays: int,
    options: dict[str, Any],
) -> None:
    """Write an animation. Each frame but the first is cut to the pixels that differ from the one before.

    Args:
        path: the file.
        image: all frames below each other, with the metadata.
        delays: seconds until the next frame, as numerator and denominator, for each frame.
        plays: how often it is played; 0 for ever.
        options: of libvips' writer of PNGs.

    Raises:
        OSError: the file cannot be written.
        ValueError: the frames differ in their kinds of pixels.
        pyvips.Error: libvips cannot encode a frame.
    """
    height = image.height // len(delays)

    def frames() -> Iterator[tuple[Control, bytes]]:
        previous: Frame | None = None
        for index, delay in enumerate(delays):
            frame = image.crop(0, index * height, image.width, height)
            pixels = frame.numpy().reshape(height, image.width, image.bands)
            if previous is None:
                area = (0, 0, image.width, height)
            else:
                area = _changed(previous, pixels)
                frame = frame.crop(*area)
            previous = pixels
            content = frame.pngsave_buffer(**(options | ({"keep": "none"} if index else {})))
            yield Control(area[2], area[3], area[0], area[1], delay), content

    with open(path, "wb") as file:
        apng.write_animation(file, frames(), len(delays), plays)


def _changed(before: Frame, after: Frame) -> tuple[int, int, int, int]:
    """Left, top, width and height of what differs; one pixel if nothing does."""
    differs = (before != after).any(axis=2)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    if not len(rows):
        return 0, 0, 1, 1
    left, top = int(columns[0]), int(rows[0])
    return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1


def _compose(frames: tuple[Control, ...], canvas: Frame, decode: Any, blend: Any) -> Iterator[tuple[int, Frame]]:
    """The canvas after each frame; it is changed in place afterwards."""
    for index, frame in enumerate(frames):
        area = np.s_[frame.y : frame.y + frame.height, frame.x : frame.x + frame.width]
        # The first frame has no previous one to return to.
        disposal = apng.BACKGROUND if frame.disposal == apng.PREVIOUS and not index else frame.disposal
        saved = canvas[area].copy() if disposal == apng.PREVIOUS else None
        pixels = decode(frame)
        canvas[area] = blend(canvas[area], pixels) if frame.blending == apng.OVER else pixels
        yield index, canvas
        if saved is not None:
            canvas[area] = saved
        elif disposal == apng.BACKGROUND:
            canvas[area] = 0


def _replace(below: Frame, above: Frame) -> Frame:
    return above


def _blend_over(below: Frame, above: Frame) -> Frame:
    """Pixels with alpha over others (PNG, third edition, section 13.16), rounded to nearest."""
    most = np.iinfo(above.dtype).max
    alpha = above[..., -1:]
    if (alpha == most).all():
        return above
    over = alpha.astype(np.float64)
    under = below[..., -1:] * ((most - over) / most)
    total = over + under
    colours = (above[..., :-1] * over + below[..., :-1] * under) / np.maximum(total, 1e-9)
    mixed = np.concatenate([np.rint(colours), np.rint(total)], axis=2).astype(above.dtype)
    # Where one side is opaque or absent nothing is rounded, and its bytes stay as they are.
    mixed = np.where(alpha == most, above, mixed)
    return np.where(alpha == 0, below, mixed)
