"""The blocks of a file: PNG chunks, JPEG segments, TIFF entries, RIFF chunks, ISO boxes, EBML elements and so on.

Only what a mutation needs: where a block begins and ends, and where its length is stored. A parser stops where the file
does not follow its format, so it can read files that are mutated already.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Block", "Length", "blocks", "seal"]

PNG = b"\x89PNG\r\n\x1a\n"
_BOXES_OF_BOXES = {
    b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"dinf": 0, b"edts": 0, b"udta": 0, b"mvex": 0,
    b"moof": 0, b"traf": 0, b"iprp": 0, b"ipco": 0, b"meta": 4, b"iref": 4, b"iinf": 6, b"stsd": 8, b"dref": 8,
}  # fmt: skip
# By the bytes before the first box in them: version and flags, then a count.
_ELEMENTS_OF_ELEMENTS = {
    *(0x1A45DFA3, 0x18538067, 0x114D9B74, 0x4DBB, 0x1549A966),  # EBML, Segment, SeekHead, Seek, Info
    *(0x1654AE6B, 0xAE, 0xE0, 0x55B0, 0x55D0, 0xE1, 0x6D80, 0x6240, 0x5035),  # Tracks, and below TrackEntry
    *(0x1F43B675, 0xA0, 0x75A1, 0xA6, 0x1C53BB6B, 0xBB, 0xB7),  # Cluster, BlockGroup, BlockAdditions, Cues
    *(
        0x1043A770,
        0x45B9,
        0xB6,
        0x80,
        0x1254C367,
        0x7373,
        0x63C0,
        0x67C8,
        0x1941A469,
        0x61A7,
    ),  # Chapters, Tags, Attached
}


@dataclass(frozen=True)
class Length:
    """A stored number: where, how wide, in which order, and ``extra``: what it counts beyond the bytes of the body."""

    start: int
    width: int
    order: str = "big"
    extra: int = 0

    def read(self, content: bytes | bytearray) -> int:
        part = content[self.start : self.start + self.width]
        if self.order == "vint":
            return int.from_bytes(part, "big") & ~(1 << 7 * self.width)
        return int.from_bytes(part, "little" if self.order == "little" else "big")

    def write(self, content: bytearray, value: int) -> None:
        """Store a number, cut to the width of the field."""
        if self.order == "vint":
            value = value % (1 << 7 * self.width) | 1 << 7 * self.width
        value %= 1 << 8 * self.width
        order = "little" if self.order == "little" else "big"
        content[self.start : self.start + self.width] = value.to_bytes(self.width, order)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Block:
    """Bytes ``start`` to ``end``, with the content from ``body`` on; its length, if the format stores one."""

    start: int
    body: int
    end: int
    length: Length | None = None


def blocks(content: bytes | bytearray) -> list[Block]:
    """The blocks of a file by its signature, those inside others too; empty if the format is unknown."""
    # A length that is smaller than the field that holds it makes a block that ends before it begins.
    return [one for one in _parse(bytes(content)) if one.start <= one.body <= one.end]


def _parse(content: bytes) -> Iterator[Block]:
    if content.startswith(PNG):
        return _png(content)
    if content.startswith(b"\xff\xd8"):
        return _jpeg(content)
    if content[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _tiff(content)
    if content[:4] == b"RIFF":
        return _riff(content, 0, len(content))
    if content[:4] == b"GIF8":
        return _gif(content)
    if content[4:8] in (b"ftyp", b"moov", b"wide", b"mdat", b"styp"):
        return _boxes(content, 0, len(content))
    if content.startswith(b"\x1a\x45\xdf\xa3"):
        return _elements(content, 0, len(content))
    if content.startswith(b"PK\3\4"):
        return _zip(content)
    if content[8:9] == b"{":
        end = 8 + int.from_bytes(content[:8], "little")
        return iter([Block(0, 8, end, Length(0, 8, "little"))] if end <= len(content) else [])
    return iter([])


def seal(content: bytes | bytearray) -> bytes:
    """The file with the right checksums: those of PNG chunks and of zip members that are stored as they are."""
    result = bytearray(content)
    if content.startswith(PNG):
        for one in _png(bytes(content)):
            result[one.end - 4 : one.end] = struct.pack(">I", zlib.crc32(content[one.start + 4 : one.end - 4]))
    elif content.startswith(b"PK\3\4"):
        for entry, member in _directory(bytes(content)):
            if content[entry + 10 : entry + 12] == b"\0\0":
                body = member + 30 + sum(struct.unpack_from("<HH", content, member + 26))
                end = body + int.from_bytes(content[entry + 20 : entry + 24], "little")
                result[entry + 16 : entry + 20] = struct.pack("<I", zlib.crc32(content[body:end]))
                result[member + 14 : member + 18] = result[entry + 16 : entry + 20]
    return bytes(result)


def _png(content: bytes) -> Iterator[Block]:
    at = len(PNG)
    while at + 12 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if end > len(content):
            return
        yield Block(at, at + 8, end, Length(at, 4, extra=-4))
        at = end


def _jpeg(content: bytes) -> Iterator[Block]:
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if end > len(content):
            return
        yield Block(at, at + 4, end, Length(at + 2, 2, extra=2))
        if content[at + 1] == 0xDA:  # a scan: compressed samples up to the next marker
            scan = end
            while end + 1 < len(content) and (content[end] != 0xFF or content[end + 1] in (0, *range(0xD0, 0xD8))):
                end += 1
            yield Block(scan, scan, end)
        at = end


def _tiff(content: bytes) -> Iterator[Block]:
    order = "little" if content[:2] == b"II" else "big"
    big = content[2:4] in (b"+\0", b"\0+")
    word, count, entry = (8, 8, 20) if big else (4, 2, 12)

    def number(start: int, width: int) -> int:
        return int.from_bytes(content[start : start + width], "little" if order == "little" else "big")

    at, seen = number(8 if big else 4, word), set()
    while at and at not in seen and at + count <= len(content):
        seen.add(at)
        entries = min(number(at, count), (len(content) - at - count) // entry)
        for k in range(entries):
            start = at + count + k * entry
            yield Block(start, start + 4 + word, start + entry, Length(start + 4, word, order))
        at = number(at + count + entries * entry, word)


def _riff(content: bytes, at: int, last: int) -> Iterator[Block]:
    while at + 8 <= last:
        end = at + 8 + int.from_bytes(content[at + 4 : at + 8], "little")
        if end > last:
            return
        yield Block(at, at + 8, end, Length(at + 4, 4, "little"))
        if content[at : at + 4] in (b"RIFF", b"LIST"):
            yield from _riff(content, at + 12, end)
        elif content[at : at + 4] == b"ANMF":
            yield from _riff(content, at + 24, end)
        at = end + (end - at) % 2


def _gif(content: bytes) -> Iterator[Block]:
    def table(flags: int) -> int:
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    at = 13 + (table(content[10]) if len(content) > 10 else 0)
    while at + 10 < len(content) and content[at] in (0x21, 0x2C):
        start = at
        at += 2 if content[at] == 0x21 else 11 + table(content[at + 9])
        inside = []
        while at < len(content) and content[at]:
            end = at + 1 + content[at]
            inside.append(Block(at, at + 1, min(end, len(content)), Length(at, 1)))
            at = end
        if at >= len(content):
            return
        at += 1
        yield Block(start, start + 2, at)
        yield from inside


def _boxes(content: bytes, at: int, last: int) -> Iterator[Block]:
    while at + 8 <= last:
        size, kind, header = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8], 8
        length = Length(at, 4, extra=8)
        if size == 1:
            size, header, length = int.from_bytes(content[at + 8 : at + 16], "big"), 16, Length(at + 8, 8, extra=16)
        end = last if size == 0 else at + size
        if (size and size < header) or end > last:
            return
        yield Block(at, at + header, end, length)
        if kind in _BOXES_OF_BOXES:
            yield from _boxes(content, at + header + _BOXES_OF_BOXES[kind], end)
        at = end


def _elements(content: bytes, at: int, last: int) -> Iterator[Block]:
    def width(start: int) -> int:
        return 9 - content[start].bit_length() if start < last and content[start] else 0

    while at < last:
        name = width(at)
        size = width(at + name) if name else 0
        if not size:
            return
        length = Length(at + name, size, "vint")
        body, stored = at + name + size, length.read(content)
        unknown = stored == (1 << 7 * size) - 1
        end = last if unknown else body + stored
        if end > last:
            return
        yield Block(at, body, end, None if unknown else length)
        if int.from_bytes(content[at : at + name], "big") in _ELEMENTS_OF_ELEMENTS:
            yield from _elements(content, body, end)
        at = end


def _zip(content: bytes) -> Iterator[Block]:
    for start, offset in _directory(content):
        body = offset + 30 + sum(struct.unpack_from("<HH", content, offset + 26))
        size = int.from_bytes(content[start + 20 : start + 24], "little")
        if body + size <= len(content):
            yield Block(offset, body, body + size, Length(offset + 18, 4, "little"))
        yield Block(start, start + 46, start + 46, Length(start + 24, 4, "little"))


def _directory(content: bytes) -> list[tuple[int, int]]:
    """The entries of a zip file's directory: where each stands, and where its member begins."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            at, found = archive.start_dir, []
            for one in archive.infolist():
                if not 0 <= one.header_offset <= len(content) - 30:
                    return []
                found.append((at, one.header_offset))
                at += 46 + sum(struct.unpack_from("<HHH", content, at + 28))
            return found
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error, OverflowError):
        return []  # a mutated directory: the file has no blocks any more
