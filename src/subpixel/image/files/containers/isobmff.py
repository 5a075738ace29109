"""Boxes of a HEIF file, AVIF among them: its items, their properties and references, its tracks.

libvips decodes the main image with its transformations (``clap``, ``irot``, ``imir``), tiles, alpha and profile.
Colours as code points, further images, depth and gain maps, and everything else are read here.

Sources: ISO/IEC 14496-12 (boxes, ``meta``), ISO/IEC 23008-12 (items, properties, sequences), ISO/IEC 23000-22 (MIAF),
the AV1 Image File Format 1.2 (Alliance for Open Media).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from subpixel.image.files.containers.boxes import Box, box_name, read_boxes
from subpixel.image.files.containers.isobmff_tracks import MOST_FRAMES, Track, read_track

__all__ = ["CODED", "Contents", "Item", "is_heif", "nclx_of", "read_contents"]

# Pieces of an item, and tracks of a file.
_MOST_PIECES, _MOST_TRACKS = 256, 64
# Boxes of a file, and bytes of `meta` or `moov`: more than an image needs.
_MOST_BOXES, _MOST_BYTES = 10_000, 64 << 20
# Types of items that are images.
CODED = ("av01", "hvc1", "avc1", "vvc1", "evc1", "jpeg", "j2k1", "unci", "grid", "iovl", "iden")
_CONTENT = ("meta", "mdat", "moov")
_BRANDS = (b"avif", b"avis", b"mif1", b"msf1", b"miaf", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")


@dataclass
class Item:
    """An item of ``meta``.

    Args:
        number: by which references name it.
        kind: its type, as ``av01``, ``grid`` or ``Exif``.
        content_type: of a ``mime`` item.
        hidden: whether it is only a part of others.
        properties: their types and contents, in order.
    """

    number: int
    kind: str
    content_type: str = ""
    hidden: bool = False
    properties: list[Box] = field(default_factory=list)

    def content(self, kind: str) -> bytes | None:
        """The content of the first property of a type."""
        return next((box.content for box in self.properties if box.kind == kind), None)

    @property
    def auxiliary_type(self) -> str:
        """What an auxiliary image is, as a URN; empty if it is none."""
        content = self.content("auxC")
        return "" if content is None else _text(content[4:])


@dataclass
class Contents:
    """What a HEIF file consists of.

    Args:
        brands: the major brand and the compatible ones.
        boxes: types of the boxes at the top level, and in ``meta`` and ``moov``, each once, in order.
        items: by number.
        primary: the number of the main image.
        references: type, item and the items that it refers to.
        places: offsets and lengths of the pieces of each item that lies in the file itself.
        tracks: of an image sequence.
        trailing: bytes behind the last box.
        lacking: the box at the top level that is cut short by the end of the file, and how many bytes it lacks.
    """

    brands: tuple[str, ...] = ()
    boxes: dict[str, None] = field(default_factory=dict)
    items: dict[int, Item] = field(default_factory=dict)
    primary: int = 0
    references: list[tuple[str, int, tuple[int, ...]]] = field(default_factory=list)
    places: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    tracks: list[Track] = field(default_factory=list)
    trailing: int = 0
    lacking: tuple[str, int] | None = None

    @property
    def sequence(self) -> Track | None:
        """The track of images with the most frames, if it has more than one."""
        tracks = [track for track in self.tracks if track.handler in ("pict", "vide") and track.samples > 1]
        return max(tracks, key=lambda track: track.samples, default=None)

    @property
    def main(self) -> Item | None:
        """The main image."""
        return self.items.get(self.primary)

    @property
    def pages(self) -> tuple[int, ...]:
        """The numbers of the images that stand for themselves, in order, as libheif counts them."""
        others = {item for kind, item, _ in self.references if kind in ("auxl", "thmb")}
        return tuple(
            item.number
            for item in self.items.values()
            if item.kind in CODED and not item.hidden and item.number not in others
        )

    @property
    def codec(self) -> str:
        """How the main image is coded, as ``av01`` or ``hvc1``; empty if there is none."""
        number = self.primary
        for _ in range(4):  # a grid of tiles, an overlay of grids
            item = self.items.get(number)
            parts = self.referred("dimg", number)
            if item is None or not parts:
                return "" if item is None else item.kind
            number = parts[0]
        return ""

    def referred(self, kind: str, origin: int) -> tuple[int, ...]:
        """The items that an item refers to, as its tiles (``dimg``)."""
        return tuple(number for each, item, to in self.references if (each, item) == (kind, origin) for number in to)

    def referring(self, kind: str, to: int) -> tuple[int, ...]:
        """The items that refer to an item, as its thumbnails (``thmb``)."""
        return tuple(item for each, item, numbers in self.references if each == kind and to in numbers)


def is_heif(start: bytes) -> bool:
    """Whether a file begins as HEIF does, by its first 64 bytes."""
    size = min(max(16, int.from_bytes(start[:4], "big")), len(start))
    brands = [start[8:12], *(start[k : k + 4] for k in range(16, size - 3, 4))]
    return start[4:8] == b"ftyp" and any(brand in _BRANDS for brand in brands)


def read_contents(file: BinaryIO) -> Contents:
    """One pass over the boxes; coded images are skipped. A damaged file gives what can be read.

    Raises:
        OSError: the file cannot be read.
    """
    result = Contents()
    size = file.seek(0, os.SEEK_END)
    position = 0
    for _ in range(_MOST_BOXES):
        file.seek(position)
        head = file.read(16)
        if len(head) < 8:
            break
        length, start = int.from_bytes(head[:4], "big"), 8
        if length == 1 and len(head) == 16:
            length, start = int.from_bytes(head[8:], "big"), 16
        elif length == 0:
            length = size - position
        kind = box_name(head[4:8])
        if length < start or position + length > size:
            if kind in _CONTENT and length >= start:
                result.lacking = (kind, position + length - size)
            break
        if kind == "uuid":
            kind += f" {head[8:16].hex()}"
        result.boxes.setdefault(kind)
        if kind in ("ftyp", "meta", "moov") and length <= _MOST_BYTES:
            file.seek(position + start)
            _read_box(result, kind, file.read(length - start))
        position += length
    result.trailing = max(0, size - position) if result.lacking is None else 0
    return result


def nclx_of(item: Item | Track | None) -> tuple[int, int, int, bool] | None:
    """Code points of an item's colours (ITU-T H.273): primaries, transfer, matrix, full range; None without them."""
    for kind, content in item.properties if item is not None else ():
        if kind == "colr" and content[:4] == b"nclx" and len(content) >= 11:
            primaries, transfer, matrix, flags = struct.unpack_from(">HHHB", content, 4)
            return primaries, transfer, matrix, bool(flags & 0x80)
    return None


def _read_box(result: Contents, kind: str, content: bytes) -> None:
    if kind == "ftyp":
        result.brands = tuple(box_name(content[k : k + 4]) for k in range(0, len(content), 4) if k != 4)
    elif kind == "moov":
        tracks = [box.content for box in read_boxes(content) if box.kind == "trak"]
        found: list[Track] = []
        try:
            for track in tracks[:_MOST_TRACKS]:
                found.append(read_track(track, MOST_FRAMES - sum(len(each.times) for each in found)))
        except (struct.error, IndexError):
            return  # a damaged box
        result.tracks = found
    elif kind == "meta":
        try:
            _read_meta(result, content)
        except (struct.error, IndexError):
            return  # a damaged box: what was read before it stays


def _read_meta(result: Contents, content: bytes) -> None:
    properties: list[Box] = []
    associations = b""
    for kind, body in read_boxes(content, 4):
        result.boxes.setdefault(kind)
        if kind == "pitm":
            (result.primary,) = struct.unpack_from(">I" if body[0] else ">H", body, 4)
        elif kind == "iinf":
            for entry in read_boxes(body, 8 if body[0] else 6):
                _read_item(result, entry.content)
        elif kind == "iref":
            result.references += _references(body)
        elif kind == "iloc":
            result.places = dict(_places(body))
        elif kind == "iprp":
            parts = {box.kind: box.content for box in read_boxes(body)}
            properties = list(read_boxes(parts.get("ipco", b"")))
            associations = parts.get("ipma", b"")
    _associate(result, properties, associations)


def _read_item(result: Contents, content: bytes) -> None:
    """An item by its entry ``infe``, of version 2 or 3; older ones are for files without types."""
    if content[0] < 2:
        return
    wide = content[0] > 2
    (number,) = struct.unpack_from(">I" if wide else ">H", content, 4)
    at = 4 + (4 if wide else 2) + 2
    kind = box_name(content[at : at + 4])
    names = content[at + 4 :].split(b"\0")
    content_type = names[1].decode("utf-8", "replace") if kind in ("mime", "uri") and len(names) > 1 else ""
    result.items[number] = Item(number, kind, content_type, bool(content[3] & 1))


def _references(content: bytes) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    wide = content[0] > 0
    letter = "I" if wide else "H"
    for kind, body in read_boxes(content, 4):
        origin, count = struct.unpack_from(f">{letter}H", body)
        yield kind, origin, struct.unpack_from(f">{count}{letter}", body, 6 if wide else 4)


def _places(content: bytes) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """The pieces of each item, by ``iloc``, of those that lie in the file by their offsets (construction method 0)."""
    version = content[0]
    offset_size, length_size, base_size = content[4] >> 4, content[4] & 15, content[5] >> 4
    index_size = content[5] & 15 if version else 0
    wide = version > 1
    at = 4 + 2

    def number(size: int) -> int:
        nonlocal at
        at += size
        if at > len(content):
            raise IndexError
        return int.from_bytes(content[at - size : at], "big")

    for _ in range(number(4 if wide else 2)):
        item = number(4 if wide else 2)
        method = number(2) & 15 if version else 0
        elsewhere = number(2) != 0
        base = number(base_size)
        pieces = []
        count = number(2)
        if count > _MOST_PIECES:
            raise IndexError  # pieces of no bytes would cost none in the file
        for _ in range(count):
            number(index_size)
            offset = number(offset_size)
            pieces.append((base + offset, number(length_size)))
        if method == 0 and not elsewhere:
            yield item, pieces


def _associate(result: Contents, properties: list[Box], content: bytes) -> None:
    """Give each item its properties, by ``ipma``."""
    if len(content) < 8:
        return
    wide_items, wide_indices = content[0] > 0, bool(content[3] & 1)
    (count,) = struct.unpack_from(">I", content, 4)
    at = 8
    for _ in range(count):
        number, many = struct.unpack_from(">IB" if wide_items else ">HB", content, at)
        at += 5 if wide_items else 3
        indices = struct.unpack_from(f">{many}{'H' if wide_indices else 'B'}", content, at)
        at += many * (2 if wide_indices else 1)
        for index in indices:
            place = index & (0x7FFF if wide_indices else 0x7F)
            if number in result.items and 0 < place <= len(properties):
                result.items[number].properties.append(properties[place - 1])


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("utf-8", "replace")
