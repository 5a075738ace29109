"""The size of a video's result, and the shape of its pixels.

A scale makes both sides of the frames so many times larger and keeps the shape of their pixels. A width, a height and a
box are pixels of the screen: they count what is shown, after a turn that the file states, and the result has square
pixels. So 1920×1080 of a DVD's 720×576 with pixels of 64:45 is 1920×1080.

Sides are rounded half up, as those of images, to whole samples of chroma, which most encoders need: to even ones in
4:2:0. Only a whole factor is kept as it is. Where rounding changed the shape of the frame, that of its pixels makes up
for it exactly, so nothing is stretched.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from subpixel.errors import InvalidArgument
from subpixel.upscaler import Target
from subpixel.upscaler.sizes import MOST
from subpixel.video.formats import chroma_steps
from subpixel.video.video_file import VideoStream

__all__ = ["FrameSize", "frame_size"]

Side = TypeVar("Side")

# The largest number that H.264 and H.265 store of a pixel's shape (ITU-T H.264, E.1.1: 16 bits).
_MOST_SHAPE = 65535


@dataclass(frozen=True)
class FrameSize:
    """How large the frames of a result are.

    Args:
        size: (width, height) of the coded samples.
        aspect: width by height of a pixel; None if it is 1 and the source does not say so.
        factor: how many times larger the result is before rounding; of the two sides' factors, the larger.
        notes: what was rounded and which shape pixels have, one sentence each.
    """

    size: tuple[int, int]
    aspect: Fraction | None
    factor: Fraction
    notes: tuple[str, ...] = ()


def frame_size(target: Target, stream: VideoStream, pix_fmts: Sequence[str]) -> FrameSize:
    """The size of the result of a video.

    Args:
        target: the size that was asked for.
        stream: the video's.
        pix_fmts: the pixel formats that the result has on its way, by libavutil's names.

    Raises:
        InvalidArgument: more than 64 times larger.

    >>> from subpixel.video.video_file import Tags
    >>> dvd = VideoStream((720, 576), "yuv420p", None, Fraction(1, 25), Fraction(64, 45), Tags(), None)
    >>> frame_size(Target(height=1080), dvd, ["yuv420p"]).size
    (1920, 1080)
    >>> frame_size(Target(2.25), dvd, ["yuv420p"]).size
    (1620, 1296)
    """
    width, height = stream.size
    pixel = stream.aspect or Fraction(1)
    turned = is_turned(stream.matrix)
    if target.scale is not None:
        factor = target.factor(width, height)
        exact = factor * width, factor * height
    else:
        shown = _swap((width * pixel, Fraction(height)), turned)
        factor = target.factor(*shown)
        exact = _swap((factor * shown[0], factor * shown[1]), turned)
    factors = exact[0] / width, exact[1] / height
    if max(factors) > MOST:
        raise InvalidArgument(
            f"{target}: {float(max(factors)):.4g} times the {width}×{height} of the video; up to {MOST} times is "
            "possible"
        )
    steps = (1, 1) if factors[0] == factors[1] and factors[0].denominator == 1 else chroma_steps(pix_fmts)
    box = None if target.fit is None else _swap(target.fit, turned)
    size = _rounded(exact, steps, box)
    aspect = width * pixel / height * Fraction(size[1], size[0])
    changed = aspect != pixel
    if changed and max(aspect.numerator, aspect.denominator) > _MOST_SHAPE:
        aspect = aspect.limit_denominator(int(_MOST_SHAPE / max(Fraction(1), aspect)))
    stated = aspect if changed else stream.aspect
    return FrameSize(size, stated, max(factors), tuple(_notes(stream, exact, size, steps, aspect, pix_fmts)))


def is_turned(matrix: tuple[int, ...] | None) -> bool:
    """Whether a display matrix turns frames by a quarter, to the left or to the right.

    >>> is_turned((0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30))
    True
    """
    return matrix is not None and matrix[0] == matrix[4] == 0 and matrix[1] != 0 and matrix[3] != 0


def _rounded(exact: tuple[Fraction, Fraction], steps: tuple[int, int], box: tuple[int, int] | None) -> tuple[int, int]:
    """Both sides as multiples of steps, at least one, and within the box if that is possible."""
    width, height = (
        step * max(1, math.floor(side / step + Fraction(1, 2))) for side, step in zip(exact, steps, strict=True)
    )
    if box is not None:
        width, height = (
            side if side <= most else max(step, most // step * step)
            for side, step, most in zip((width, height), steps, box, strict=True)
        )
    return width, height


def _notes(
    stream: VideoStream,
    exact: tuple[Fraction, Fraction],
    size: tuple[int, int],
    steps: tuple[int, int],
    aspect: Fraction,
    pix_fmts: Sequence[str],
) -> list[str]:
    notes, text = [], f"{size[0]}×{size[1]}"
    wanted = _rounded(exact, (1, 1), None)
    if wanted != size:
        across, down = steps
        sides = f"multiples of {across}×{down}" if max(steps) > 2 else "even sides"
        needs = max(pix_fmts, key=lambda name: math.prod(chroma_steps([name])))
        notes.append(f"{wanted[0]}×{wanted[1]} became {text}: pixel format {needs} needs {sides}")
    before = stream.aspect or Fraction(1)
    if aspect != before:
        shape = "square pixels" if aspect == 1 else f"pixels of {aspect.numerator}:{aspect.denominator}"
        was = "" if before == 1 else f" instead of {before.numerator}:{before.denominator}"
        notes.append(f"{text} has {shape}{was}, so that the image keeps its shape")
    return notes


def _swap(sides: tuple[Side, Side], turned: bool) -> tuple[Side, Side]:
    return sides[::-1] if turned else sides
