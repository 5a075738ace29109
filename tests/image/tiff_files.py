"""TIFFs byte by byte, with any tags, pages and SubIFDs."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Directory", "image", "text", "tiff"]

_LETTERS = {1: "B", 3: "H", 4: "I", 5: "I", 7: "B", 12: "d"}
Value = tuple[int, Any]


@dataclass
class Directory:
    """A directory: tags as type and values (bytes for texts), the pixels, and the directories below it."""

    tags: dict[int, Value]
    pixels: bytes = b""
    below: list[Directory] = field(default_factory=list)


def text(content: str) -> Value:
    """A value of text."""
    return 2, content.encode() + b"\0"


def image(
    pixels: NDArray[Any], tags: dict[int, Value | None] | None = None, *, order: str = "<", below: Any = ()
) -> Directory:
    """A directory of an image: uncompressed or deflated (259), in one strip.

    Args:
        pixels: ``(H, W)`` or ``(H, W, C)``.
        tags: instead of those that follow from the pixels, or besides them; None leaves one out.
        order: of bytes.
        below: directories below it.
    """
    height, width, *rest = pixels.shape
    channels = rest[0] if rest else 1
    content = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()  # type: ignore[call-overload]
    own: dict[int, Value | None] = {
        256: (4, [width]),
        257: (4, [height]),
        258: (3, [8 * pixels.dtype.itemsize] * channels),
        259: (3, [1]),
        262: (3, [2 if channels >= 3 else 1]),
        277: (3, [channels]),
        278: (4, [height]),
        339: (3, [{"u": 1, "i": 2, "f": 3, "c": 6}[pixels.dtype.kind]] * channels),
        **(tags or {}),
    }
    if own[259] == (3, [8]):
        content = zlib.compress(content)
    return Directory({tag: value for tag, value in own.items() if value is not None}, content, list(below))


def tiff(*pages: Directory, order: str = "<") -> bytes:
    """A file of these directories, one after the other."""
    content = bytearray({"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 0))
    link = 4
    for page in pages:
        offset, following = _put(content, page, order)
        struct.pack_into(order + "I", content, link, offset)
        link = following
    return bytes(content)


def _put(content: bytearray, page: Directory, order: str) -> tuple[int, int]:
    """Append a directory; returns its offset and that of its link."""
    tags = dict(page.tags)
    if page.pixels:
        tags[273], tags[279] = (4, [len(content)]), (4, [len(page.pixels)])
        content += page.pixels + b"\0" * (len(page.pixels) % 2)
    if page.below:
        tags[330] = (4, [_put(content, lower, order)[0] for lower in page.below])
    offset = len(content)
    table, values = struct.pack(order + "H", len(tags)), b""
    for tag, (kind, value) in sorted(tags.items()):
        data = bytes(value) if kind == 2 else struct.pack(f"{order}{len(value)}{_LETTERS[kind]}", *value)
        table += struct.pack(order + "HHI", tag, kind, len(value) // (2 if kind == 5 else 1))
        if len(data) > 4:
            where = offset + 2 + 12 * len(tags) + 4 + len(values)
            values += data + b"\0" * (len(data) % 2)
            data = struct.pack(order + "I", where)
        table += data.ljust(4, b"\0")
    content += table + bytes(4) + values
    return offset, offset + len(table)


def ramp(height: int = 24, width: int = 36, channels: int = 1) -> NDArray[np.uint8]:
    """``(H, W)`` or ``(H, W, C)`` that rises to the right and down."""
    values = (np.add.outer(np.arange(height), np.arange(width)) * 4).astype(np.uint8)
    return values if channels == 1 else np.repeat(values[..., None], channels, axis=2)
