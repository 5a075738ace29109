"""Files that hold a second video after the first, which libavformat does not read: joined MP4, FLV, NUT or AVI files.

MPEG and Matroska files can simply be joined, and are read to their end. Of others, only the first is read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from subpixel.video.matroska import decoder_settings, second_file

__all__ = ["other_matroska", "unread_video"]

# How a file begins, by libavformat's name of its format.
_SIGNATURES = {
    "flv": b"FLV\x01",
    "nut": b"nut/multimedia container\0",
    "avi": b"RIFF",
    "asf": bytes.fromhex("3026b275"),
}
# Bytes after the last packet, or from it on, in which the second file begins.
_NEAR = 1 << 20
# Bytes before the last packet, which may have swallowed the beginning of the second file.
_BEFORE = 64
# Boxes of a file of ISO/IEC 14496-12 that are looked at: a few for each second, if it is fragmented.
_MOST_BOXES = 100_000


def other_matroska(path: Path, start: int, end: int) -> int | None:
    """Where a Matroska file begins whose packets need other decoders than the first one's; None if there is none.

    libavformat reads a joined file to its end, and gives all packets to the decoders of the first.

    Args:
        path: of the file.
        start: the place of the last packet before times start again.
        end: the place of the first packet after that.
    """
    with open(path, "rb") as file:
        place = second_file(file, start, end)
        try:
            if place is not None and decoder_settings(file, place) != decoder_settings(file, 0):
                return place
        except ValueError:  # damaged, or nothing that is known here
            return None
    return None


def unread_video(path: Path, format_name: str, place: int) -> int | None:
    """Where a second video begins in a file; None if there is none.

    Args:
        path: of the file.
        format_name: libavformat's name of its format.
        place: where the last packet begins that was read.
    """
    with open(path, "rb") as file:
        if format_name.startswith("mov,"):
            return _second_movie(file)
        signature = _SIGNATURES.get(format_name)
        if signature is None:
            return None
        start = max(1, place - _BEFORE)
        file.seek(start)
        found = file.read(_NEAR).find(signature)
        # OpenDML (AVI 2.0) continues with more RIFF lists, of the type AVIX, which are read.
        if found >= 0 and signature == b"RIFF":
            file.seek(start + found + 8)
            return start + found if file.read(4) == b"AVI " else None
        return start + found if found >= 0 else None


def _second_movie(file: BinaryIO) -> int | None:
    """The place of a second movie; ISO/IEC 14496-12, 8.2.1, has exactly one description of a movie in a file."""
    place, movies, begin = 0, 0, 0
    end = file.seek(0, os.SEEK_END)
    for _ in range(_MOST_BOXES):
        if place >= end:  # a size of 64 bits may lead further than a file can be
            return None
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            return None
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        begin = place if head[4:8] == b"ftyp" else begin
        movies += head[4:8] == b"moov"
        if movies == 2:
            return begin or place
        if size < 8:  # 0: to the end of the file
            return None
        place += size
    return None
