"""What lies behind the end of a JPEG: the video of a motion photo, further images, archives, cameras' own data.

Sources: Google's motion photo format 1.0; CIPA DC-007 (MPF); trailers of Samsung's cameras as ExifTool describes them.
"""

from __future__ import annotations

import os
from typing import BinaryIO

from subpixel.image.files.containers.jpeg_segments import END, read_segments

__all__ = ["list_trailer"]

_BLOCK = 1 << 20
# How parts that people append begin, and what they are.
_APPENDED = (
    (b"PK\x03\x04", "an archive (ZIP)"),
    (b"Rar!\x1a\x07", "an archive (RAR)"),
    (b"7z\xbc\xaf\x27\x1c", "an archive (7z)"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"RIFF", "a RIFF file"),
    (b"ID3", "sound (MP3)"),
)
# Names that Samsung's cameras write behind the image, and what they mean. The others hold times and settings.
_SAMSUNG_VIDEO, _SAMSUNG = b"MotionPhoto_Data", b"SEFT"
_MOTION = "the video of the motion photo is not kept"


def list_trailer(file: BinaryIO, end: int, images: int = 0) -> tuple[str, ...]:
    """What a file holds behind its image that a result will lack, one sentence each.

    Args:
        file: the file.
        end: offset of the end of the image.
        images: how many images may follow that another sentence names already (gain map, MPF).

    Raises:
        OSError: the file cannot be read.
    """
    size = file.seek(0, os.SEEK_END)
    position = _skip_padding(file, end, size)
    further = 0
    while position < size:  # images, one after another
        after = _image_end(file, position)
        if after is None:
            break
        further += 1
        position = _skip_padding(file, after, size)
    losses = []
    if further > images:
        count = further - images
        what = "a further image" if count == 1 else f"{count} further images"
        losses.append(f"{what} behind the end of the JPEG {'is' if count == 1 else 'are'} not kept")
    if position < size:
        losses += _describe(file, position, size)
    return tuple(losses)


def _skip_padding(file: BinaryIO, position: int, size: int) -> int:
    """The offset of the next byte that is no padding: neither 00, FF (before another byte than D8) nor white space."""
    while position < size:
        file.seek(position)
        block = file.read(_BLOCK)
        rest = block.lstrip(b"\0\xff \r\n\t")
        if rest:
            position += len(block) - len(rest)
            # The FF of a marker is no padding.
            return position - 1 if rest[0] == 0xD8 and len(rest) < len(block) else position
        position += max(1, len(block))
    return size


def _image_end(file: BinaryIO, position: int) -> int | None:
    """Offset of the end of the JPEG at this offset; None if there is none."""
    return next((segment.end for segment in read_segments(file, position) if segment.marker == END), None)


def _describe(file: BinaryIO, position: int, size: int) -> list[str]:
    """Sentences for the rest of a file."""
    file.seek(position)
    start = file.read(64)
    file.seek(max(position, size - 4))
    samsung = file.read(4) == _SAMSUNG
    if b"ftyp" in start[:8] or _SAMSUNG_VIDEO in _read_some(file, position, size):
        return [_MOTION]
    if samsung:
        return ["the camera's own data behind the end of the JPEG (times, settings) is not kept"]
    known = next((name for mark, name in _APPENDED if start.startswith(mark)), None)
    if known is None and _find_video(file, position, size):
        return [_MOTION]
    amount = f"{size - position} bytes" if size - position < 10_000 else f"{(size - position) / 1e6:.2f} MB"
    return [f"{known or amount} behind the end of the JPEG {'is' if known else 'are'} not kept"]


def _read_some(file: BinaryIO, position: int, size: int) -> bytes:
    """The first and the last piece of a part, where its names stand."""
    file.seek(position)
    first = file.read(1 << 16)
    file.seek(max(position + len(first), size - (1 << 16)))
    return first + b"\0" + file.read(1 << 16)


def _find_video(file: BinaryIO, position: int, size: int) -> bool:
    """Whether an MP4 begins anywhere in a part."""
    file.seek(position)
    before = b""
    while block := file.read(_BLOCK):
        at = (before + block).find(b"ftyp")
        if at >= 4 and (before + block)[at - 4 : at - 2] == b"\0\0":
            return True
        before = block[-16:]
    return False
