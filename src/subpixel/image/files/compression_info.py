"""How an image file is compressed, by its headers."""

from __future__ import annotations

from functools import cache
from typing import BinaryIO

from subpixel.models.auto import Source
from subpixel.ops.jpeg_traces import table_of_quality

__all__ = ["read_compression"]

_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def read_compression(file: BinaryIO) -> Source:
    """The codec and the quality of an image file. Of an unknown file it says nothing; its pixels can be measured.

    The quality of a JPEG is the one on the IJG's scale whose luma table has the same sum: exact for tables of that
    scale, the nearest for others.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    start = file.read(12)
    if start[:2] == b"\xff\xd8":
        return Source("jpeg", _jpeg_quality(file))
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        return Source("webp" if _is_lossy_webp(file) else None)
    if start[4:8] == b"ftyp":
        return Source("heif")
    return Source()


def _jpeg_quality(file: BinaryIO) -> int | None:
    """The quality of the table that the frame's first component uses."""
    file.seek(2)
    tables: dict[int, int] = {}
    while True:
        marker = file.read(4)
        if len(marker) < 4 or marker[0] != 0xFF or marker[1] == 0xDA:
            return None
        if marker[1] == 0xFF:  # a fill byte
            file.seek(-3, 1)
            continue
        length = int.from_bytes(marker[2:], "big")
        content = file.read(max(0, length - 2))
        if marker[1] == 0xDB:
            tables |= _tables(content)
        if marker[1] in _FRAMES:
            total = tables.get(content[8]) if len(content) > 8 else None
            return None if total is None else _quality(total)


def _tables(content: bytes) -> dict[int, int]:
    """Sums of the quantisation tables in a segment, by table number."""
    sums = {}
    while len(content) > 64:
        wide = 2 if content[0] >> 4 else 1
        values = content[1 : 1 + 64 * wide]
        sums[content[0] & 15] = sum(int.from_bytes(values[k : k + wide], "big") for k in range(0, len(values), wide))
        content = content[1 + 64 * wide :]
    return sums


@cache
def _totals() -> list[int]:
    """Sums of the tables of quality 1 … 100."""
    return [int(table_of_quality(quality).sum()) for quality in range(1, 101)]


def _quality(total: int) -> int:
    return min(range(1, 101), key=lambda quality: abs(_totals()[quality - 1] - total))


def _is_lossy_webp(file: BinaryIO) -> bool:
    """Lossy frames are chunks named ``VP8 ``, lossless ones ``VP8L``; those of an animation are inside ``ANMF``."""
    file.seek(12)
    while len(chunk := file.read(8)) == 8:
        if chunk[:4] in (b"VP8 ", b"VP8L"):
            return chunk[:4] == b"VP8 "
        size = int.from_bytes(chunk[4:], "little")
        # A frame of an animation has a header of 16 bytes, followed by chunks of its own.
        file.seek(16 if chunk[:4] == b"ANMF" else size + size % 2, 1)
    return False
