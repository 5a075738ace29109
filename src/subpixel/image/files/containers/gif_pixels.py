"""How many pixels the data of a GIF's frames hold: decoders stop where the frame or the data end, without a word.

Source: GIF89a (CompuServe, 1990), appendix F (variable-length codes of LZW).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from subpixel.image.files.containers.gif import frames

__all__ = ["FramePixels", "count_pixels"]

_MOST_CODES = 4096
# Data that are looked at, of all frames: some seconds.
_MOST_BYTES = 32 << 20


@dataclass(frozen=True)
class FramePixels:
    """The pixels of a frame.

    Args:
        wanted: by the size of the frame.
        held: that the data hold before their end, or before a code that means nothing.
        rest: bytes of data behind the end of the codes, or behind the last pixel.
    """

    wanted: int
    held: int
    rest: int


def count_pixels(file: BinaryIO) -> Iterator[FramePixels]:
    """The pixels of each frame; of long files those of the first frames.

    Raises:
        OSError: the file cannot be read.
    """
    total = 0
    for width, height, bits, data in frames(file):
        total += len(data)
        if total > _MOST_BYTES:
            return
        yield _walk(data, bits, width * height)


def _walk(data: bytes, bits: int, wanted: int) -> FramePixels:
    """The pixels that codes stand for; those after the last pixel are not looked at."""
    if not 1 <= bits <= 11:
        return FramePixels(wanted, 0, len(data))
    clear, end = 1 << bits, (1 << bits) + 1
    first = [1] * clear + [0, 0]
    lengths = first.copy()  # of what each code stands for
    width, limit, previous, held = bits + 1, 2 << bits, 0, 0
    buffer = there = at = 0
    size = len(data)
    while held < wanted:
        while there < width:
            if at >= size:
                return FramePixels(wanted, held, 0)
            buffer |= data[at] << there
            at += 1
            there += 8
        code = buffer & (limit - 1)
        buffer >>= width
        there -= width
        if code == clear:
            lengths = first.copy()
            width, limit, previous = bits + 1, 2 << bits, 0
            continue
        if code == end:
            return FramePixels(wanted, held, size - at)
        known = len(lengths)
        if code > known or (code == known and not previous):
            return FramePixels(wanted, held, size - at)
        length = lengths[code] if code < known else previous + 1
        held += length
        if previous and known < _MOST_CODES:
            lengths.append(previous + 1)
            if known + 1 == limit and width < 12:
                width += 1
                limit <<= 1
        previous = length
    return FramePixels(wanted, held, size - at)
