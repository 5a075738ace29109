"""HEIF files, AVIF among them, from coded images: any items, properties and references."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

__all__ = ["Item", "box", "coded", "full_box", "heif", "nclx", "sequence"]


@dataclass(frozen=True)
class Item:
    """An item: its kind, its data, its properties (complete boxes), and the type of content of a ``mime`` item."""

    kind: bytes
    data: bytes
    properties: tuple[bytes, ...] = ()
    content: bytes = b""
    hidden: bool = False


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def full_box(kind: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags) + content)


def nclx(primaries: int, transfer: int, matrix: int = 6, full: bool = True) -> bytes:
    return box(b"colr", b"nclx" + struct.pack(">HHHB", primaries, transfer, matrix, full << 7))


def coded(pixels: NDArray[Any], bits: int = 8) -> tuple[bytes, tuple[bytes, ...]]:
    """An AV1 image without loss, and its properties ``av1C``, ``ispe`` and ``pixi``; RGB, or gray in the Y plane."""
    image = pyvips.Image.new_from_array(pixels)
    content = image.copy(interpretation="rgb16" if pixels.dtype == np.uint16 else "srgb").heifsave_buffer(
        compression="av1", lossless=True, bitdepth=bits, keep="none"
    )
    at = content.index(b"mdat")
    properties = []
    for kind in (b"av1C", b"ispe", b"pixi"):
        start = content.index(kind) - 4
        properties.append(content[start : start + int.from_bytes(content[start : start + 4], "big")])
    return content[at + 4 :], tuple(properties)


def heif(
    items: Sequence[Item],
    references: Mapping[tuple[bytes, int], Sequence[int]] | None = None,
    primary: int = 1,
    brand: bytes = b"avif",
    before: bytes = b"",
) -> bytes:
    """A file. Items count from 1; ``references`` maps a kind and an item to the items it refers to."""
    properties: list[bytes] = []
    associations = b""
    for number, item in enumerate(items, 1):
        indices = []
        for each in item.properties:
            if each not in properties:
                properties.append(each)
            indices.append(properties.index(each) + 1)
        if indices:
            associations += struct.pack(">HB", number, len(indices)) + bytes(indices)
    count = sum(bool(item.properties) for item in items)
    entries = b"".join(_entry(number, item) for number, item in enumerate(items, 1))
    parts = [
        full_box(b"hdlr", bytes(4) + b"pict" + bytes(13)),
        full_box(b"pitm", struct.pack(">H", primary)),
        full_box(b"iinf", struct.pack(">H", len(items)) + entries),
        box(
            b"iprp",
            box(b"ipco", b"".join(properties)) + full_box(b"ipma", struct.pack(">I", count) + associations),
        ),
    ]
    if references:
        parts.append(
            full_box(
                b"iref",
                b"".join(
                    box(kind, struct.pack(f">HH{len(to)}H", origin, len(to), *to))
                    for (kind, origin), to in references.items()
                ),
            )
        )
    head = box(b"ftyp", brand + bytes(4) + b"mif1miaf" + brand) + before
    sizes = [len(item.data) for item in items]
    start = len(head) + 12 + sum(map(len, parts)) + 16 + 14 * len(items) + 8  # meta, its parts, iloc, the head of mdat
    locations, offset = b"", start
    for number, size in enumerate(sizes, 1):
        locations += struct.pack(">HHHII", number, 0, 1, offset, size)
        offset += size
    parts.append(full_box(b"iloc", struct.pack(">BBH", 0x44, 0, len(items)) + locations))
    meta = full_box(b"meta", b"".join(parts))
    return head + meta + box(b"mdat", b"".join(item.data for item in items))


def _entry(number: int, item: Item) -> bytes:
    names = b"\0" + (item.content + b"\0" if item.kind == b"mime" else b"")
    return full_box(b"infe", struct.pack(">HH4s", number, 0, item.kind) + names, 2, int(item.hidden))


def sequence(frames: int) -> bytes:
    """The part ``moov`` of an image sequence of so many frames, enough to be counted."""
    sizes = full_box(b"stsz", struct.pack(">II", 0, frames) + bytes(4 * frames))
    media = full_box(b"hdlr", bytes(4) + b"pict" + bytes(13)) + box(b"minf", box(b"stbl", sizes))
    return box(b"moov", box(b"trak", box(b"mdia", media)))
