"""How many pixels the data of a GIF's frames hold: decoders stop where the frame or the data end, without a word.

Source: GIF89a (CompuServe, 1990), appendix F (variable-length codes of LZW).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from subpixel.image.files.containers.gif import frames

__all__ = ["FramePixels", "count_pixels"]

_MOST_CODES = 4096
_AT_ONCE = 4096  # codes
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
    size = len(data)
    if not 1 <= bits <= 11:
        return FramePixels(wanted, 0, size)
    content = np.frombuffer(data + bytes(2), np.uint8)
    clear, end = 1 << bits, (1 << bits) + 1
    first = [1] * clear + [0, 0]
    lengths = first.copy()  # of what each code stands for
    starts, masks = _layout(bits)
    position = index = previous = held = 0  # position in bits; index of the code since the last one that clears
    while held < wanted:
        places = position + starts[index : index + _AT_ONCE + 1] - starts[index]
        count = int(np.searchsorted(places[1:], 8 * size, side="right"))
        if count == 0:
            return FramePixels(wanted, held, 0)
        codes = _codes(content, places[:count], masks[index : index + count])
        special = np.flatnonzero((codes == clear) | (codes == end))
        stop = int(special[0]) if len(special) else count
        for number, code in enumerate(codes[:stop].tolist()):
            known = len(lengths)
            if code < known:
                length = lengths[code]
            elif code == known and previous:
                length = previous + 1
            else:
                return FramePixels(wanted, held, size - _bytes(places[number + 1]))
            held += length
            if previous and known < _MOST_CODES:
                lengths.append(previous + 1)
            previous = length
            if held >= wanted:
                return FramePixels(wanted, held, size - _bytes(places[number + 1]))
        if stop == count:
            position, index = int(places[count]), min(index + count, _MOST_CODES)
            continue
        position = int(places[stop + 1])
        if codes[stop] == end:
            return FramePixels(wanted, held, size - _bytes(position))
        lengths, index, previous = first.copy(), 0, 0
    return FramePixels(wanted, held, size)


@cache
def _layout(bits: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Where each code begins after one that clears, in bits, and its mask: widths follow from the number of codes."""
    number = np.arange(_MOST_CODES + _AT_ONCE + 1)
    known = np.minimum((1 << bits) + 2 + np.maximum(number - 1, 0), _MOST_CODES - 1)
    widths = np.maximum(bits + 1, np.floor(np.log2(known)).astype(np.int64) + 1)
    return np.concatenate([[0], np.cumsum(widths)]), ((1 << widths) - 1).astype(np.uint32)


def _codes(content: NDArray[np.uint8], places: NDArray[np.int64], masks: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The codes at places in bits, each in three bytes at most."""
    first = places >> 3
    low, middle, high = (content[first + k].astype(np.uint32) for k in range(3))
    codes: NDArray[np.uint32] = (low | middle << 8 | high << 16) >> (places & 7).astype(np.uint32) & masks
    return codes


def _bytes(bits: int) -> int:
    """The bytes of which so many bits are read."""
    return -(-int(bits) // 8)
