"""Blocks of a GIF other than its frames: comments, and XMP as in Adobe's XMP specification (part 3, 1.1.2)."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

__all__ = ["add_blocks", "read_blocks"]

_XMP = b"XMP DataXMP"
# The packet is stored as plain bytes. A reader that takes its bytes for block lengths lands in this trailer, which
# leads it to the end.
_MAGIC = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
_MOST = 16 * 1024**2


def read_blocks(file: BinaryIO) -> tuple[bytes | None, tuple[bytes, ...]]:
    """The XMP packet, or None, and the comments of a GIF; of a truncated file those before its end.

    Raises:
        OSError: the file cannot be read.
    """
    packet: bytes | None = None
    comments: list[bytes] = []
    file.seek(0)
    head = file.read(13)
    if head[:6] not in (b"GIF87a", b"GIF89a") or len(head) < 13:
        return None, ()
    file.seek(_palette_size(head[10]), 1)
    while (kind := file.read(1)) in (b"!", b","):
        if kind == b",":
            frame = file.read(9)
            if len(frame) < 9:
                break
            file.seek(_palette_size(frame[8]) + 1, 1)
            _read_content(file, keep=False)
            continue
        label = file.read(1)
        if label == b"\xff":
            start = file.tell()
            if file.read(1 + len(_XMP)) == b"\x0b" + _XMP:
                packet = _read_packet(file)
                continue
            file.seek(start)  # another application's block, which begins with that application's name
        content = _read_content(file, keep=label == b"\xfe")
        if content:
            comments.append(content)
    return packet, tuple(comments)


def add_blocks(path: str | Path, packet: bytes | None, comments: tuple[bytes, ...]) -> None:
    """Insert XMP and comments before the end of a GIF.

    Raises:
        OSError: the file cannot be written.
        ValueError: the file does not end as a GIF does.
    """
    result = b""
    for comment in comments:
        parts = (comment[k : k + 255] for k in range(0, len(comment), 255))
        result += b"!\xfe" + b"".join(bytes([len(part)]) + part for part in parts) + b"\0"
    if packet is not None:
        result += b"!\xff\x0b" + _XMP + packet + _MAGIC
    with open(path, "r+b") as file:
        file.seek(-1, 2)
        if file.read() != b";":
            raise ValueError("the GIF has no end")
        file.seek(-1, 2)
        file.write(result + b";")


def _palette_size(flags: int) -> int:
    """Size of a colour table in bytes."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _read_content(file: BinaryIO, keep: bool) -> bytes:
    parts: list[bytes] = []
    total = 0
    while (length := file.read(1)) not in (b"", b"\0"):
        if keep and total < _MOST:
            parts.append(file.read(length[0]))
            total += length[0]
        else:
            file.seek(length[0], 1)
    return b"".join(parts)


def _read_packet(file: BinaryIO) -> bytes | None:
    start = file.tell()
    _read_content(file, keep=False)
    length = file.tell() - start - len(_MAGIC)
    if not 0 < length <= _MOST:
        return None
    file.seek(start)
    packet = file.read(length)
    file.seek(len(_MAGIC), 1)
    return packet
