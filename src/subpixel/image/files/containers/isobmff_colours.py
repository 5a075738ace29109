"""Stating the colours of a written AVIF as code points, which libvips does not.

Sources: ISO/IEC 14496-12, sections 8.11.3 (``iloc``), 8.11.14 (``iprp``) and 12.1.5 (``colr``); ITU-T H.273.
"""

from __future__ import annotations

import struct
from pathlib import Path

from subpixel.image.files.containers.boxes import read_boxes
from subpixel.image.files.containers.isobmff import nclx_of, read_contents

__all__ = ["set_code_points"]

# How libheif converts to YCbCr if nothing else is asked for: the matrix of BT.601, full range.
_MATRIX, _FULL_RANGE = 6, 0x80


def set_code_points(path: str | Path, primaries: int, transfer: int) -> None:
    """State the colours of an AVIF that libvips has written.

    Args:
        path: the file; it is changed.
        primaries: ColourPrimaries of ITU-T H.273, as 9 for BT.2020.
        transfer: TransferCharacteristics, as 16 for PQ.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: it has other boxes than libvips writes.
    """
    with open(path, "r+b") as file:
        if nclx_of(read_contents(file).main) is not None:
            raise ValueError("the AVIF states colours already")
        file.seek(0)
        content = file.read()
        start = content.find(b"meta") - 4
        size = int.from_bytes(content[start : start + 4], "big")
        if start < 0 or not 12 < size <= len(content) - start:
            raise ValueError("the AVIF has no items")
        meta = content[start + 8 : start + size]
        # The length is needed for the offsets in `iloc`, and does not depend on them.
        try:
            grown = len(_changed(meta, primaries, transfer, 0)) - len(meta)
            changed = _changed(meta, primaries, transfer, grown)
        except (struct.error, IndexError, OverflowError, UnicodeEncodeError):
            raise ValueError("a table of the AVIF is damaged") from None
        file.seek(start)
        file.write(struct.pack(">I4s", len(changed) + 8, b"meta") + changed + content[start + size :])


def _changed(meta: bytes, primaries: int, transfer: int, grown: int) -> bytes:
    """The content of ``meta`` with the new property, and offsets for data that lie so many bytes later."""
    result = meta[:4]
    parts = {box.kind: box.content for box in read_boxes(meta, 4)}
    if not {"pitm", "iloc", "iprp"} <= parts.keys() or parts["pitm"][0]:
        raise ValueError("the AVIF has no main image")
    (primary,) = struct.unpack_from(">H", parts["pitm"], 4)
    for kind, content in read_boxes(meta, 4):
        if kind == "iprp":
            content = _with_property(content, primary, primaries, transfer)
        elif kind == "iloc":
            content = _with_offsets(content, grown)
        result += _box(kind, content)
    return result


def _with_property(content: bytes, primary: int, primaries: int, transfer: int) -> bytes:
    parts = {box.kind: box.content for box in read_boxes(content)}
    properties, table = parts.get("ipco", b""), parts.get("ipma", b"")
    if len(table) < 8 or table[0] or table[3] & 1:
        raise ValueError("the AVIF has no table of properties")
    index = sum(1 for _ in read_boxes(properties)) + 1
    points = struct.pack(">4sHHHB", b"nclx", primaries, transfer, _MATRIX, _FULL_RANGE)
    changed, at = table[:8], 8
    for _ in range(int.from_bytes(table[4:8], "big")):
        number, count = struct.unpack_from(">HB", table, at)
        indices = table[at + 3 : at + 3 + count] + (bytes([index]) if number == primary else b"")
        changed += struct.pack(">HB", number, len(indices)) + indices
        at += 3 + count
    return _box("ipco", properties + _box("colr", points)) + _box("ipma", changed)


def _with_offsets(content: bytes, grown: int) -> bytes:
    """``iloc`` with every offset in the file moved."""
    version, sizes, base_sizes = content[0], content[4], content[5]
    if version or sizes >> 4 != 4 or sizes & 15 != 4 or base_sizes >> 4 not in (0, 4):
        raise ValueError("the AVIF has another table of places")
    changed = bytearray(content)
    base = base_sizes >> 4
    at = 8
    for _ in range(int.from_bytes(content[6:8], "big")):
        count = int.from_bytes(content[at + 4 + base : at + 6 + base], "big")
        at += 6 + base
        for _ in range(count):
            offset = int.from_bytes(content[at : at + 4], "big")
            changed[at : at + 4] = (offset + grown).to_bytes(4, "big")
            at += 8
    return bytes(changed)


def _box(kind: str, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind.encode("ascii")) + content
