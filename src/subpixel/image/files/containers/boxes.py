"""Boxes of ISO/IEC 14496-12, section 4.2: a length, a type, content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Box", "box_name", "read_boxes"]


class Box(NamedTuple):
    """The type of a box, as text, and its content."""

    kind: str
    content: bytes


def read_boxes(content: bytes, start: int = 0) -> Iterator[Box]:
    """The boxes in the content of another one, from an offset. A box that is cut short ends where the content does."""
    while start + 8 <= len(content):
        length, head = int.from_bytes(content[start : start + 4], "big"), 8
        if length == 1:
            length, head = int.from_bytes(content[start + 8 : start + 16], "big"), 16
        elif length == 0:
            length = len(content) - start
        if length < head:
            return
        yield Box(box_name(content[start + 4 : start + 8]), content[start + head : start + length])
        start += length


def box_name(kind: bytes) -> str:
    """The type of a box as text that can be printed."""
    text = kind.decode("latin-1")
    return text.strip() if text.isascii() and text.isprintable() else kind.hex()
