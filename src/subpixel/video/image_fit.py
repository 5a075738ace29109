"""Frames of another size or pixel format, fitted to the first frame of their video."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

from subpixel.video.formats import array_of, layout_of
from subpixel.video.video_file import VideoStream

__all__ = ["fit_frame"]

# If shapes differ by more than this share, the frame is shown between black bars; otherwise it is stretched a little.
_SHAPE = Fraction(1, 50)
# libswscale's names of colour matrices, by their number in ITU-T H.273.
_MATRICES = {1: "ITU709", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M", 9: "BT2020", 10: "BT2020"}


def fit_frame(frame: Any, aspect: Fraction, first: VideoStream) -> Any:
    """A frame of the size and format of a video's first frame: resized, and with black bars if its shape is another.

    Args:
        frame: any frame.
        aspect: width by height of its pixels.
        first: size, pixel format, aspect and tags of the first frame.

    Returns:
        A new frame in the planar layout of the first frame's format, without a time.
    """
    layout, size = layout_of(first.pix_fmt, "frame"), first.size
    inner = _inner_size((frame.width, frame.height), aspect, first)
    matrix, full = _MATRICES.get(first.tags.matrix, "DEFAULT"), layout.rgb or bool(first.tags.full_range)
    whole = frame.color_range == 2 or av.VideoFormat(frame.format.name).is_rgb
    fitted = frame.reformat(
        width=inner[0],
        height=inner[1],
        format=layout.name,
        src_colorspace=_MATRICES.get(int(frame.colorspace), matrix),
        dst_colorspace=matrix,
        src_color_range=2 if whole else 1,
        dst_color_range=2 if full else 1,
        interpolation="BICUBIC",
    )
    if inner == size:
        return fitted
    result = av.VideoFrame(size[0], size[1], layout.name)
    black = 0 if full else 16 << (layout.bits - 8)
    for number, (target, source) in enumerate(zip(result.planes, fitted.planes, strict=True)):
        pixels, part = array_of(target, layout.dtype), array_of(source, layout.dtype)
        pixels[:] = black if layout.rgb or not number else 1 << (layout.bits - 1)
        top, left = (pixels.shape[0] - part.shape[0]) // 2, (pixels.shape[1] - part.shape[1]) // 2
        pixels[top : top + part.shape[0], left : left + part.shape[1]] = part
    return result


def _inner_size(size: tuple[int, int], aspect: Fraction, first: VideoStream) -> tuple[int, int]:
    """The size of the frame between the bars. Bars are multiples of 4 on each side, so that chroma stays in place."""
    shape = Fraction(size[0], size[1]) * aspect
    wanted = Fraction(first.size[0], first.size[1]) * (first.aspect or 1)
    width, height = first.size
    if shape > wanted * (1 + _SHAPE):
        bars = round(height * (1 - wanted / shape) / 2)
        return width, height - 2 * (bars - bars % 4)
    if shape < wanted * (1 - _SHAPE):
        bars = round(width * (1 - shape / wanted) / 2)
        return width - 2 * (bars - bars % 4), height
    return width, height
