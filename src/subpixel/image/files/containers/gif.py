"""The blocks of a GIF besides its frames: what they are, and those that libvips neither reads nor writes.

Sources: GIF89a (CompuServe, 1990); XMP specification part 3 (Adobe), section 1.1.2; ICC.1:2022, annex B.6 for profiles;
C2PA 2.1, appendix A; ImageMagick's coder for its extensions.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from subpixel.image.files.containers.inventory import Fate, Inventory, Part
from subpixel.image.files.containers.trailing import describe_trailing

__all__ = ["INVENTORY", "Contents", "add_blocks", "frame_areas", "frames", "read_blocks", "read_contents", "set_aspect"]

_XMP = b"XMP DataXMP"
_PROFILE, _IPTC, _PHOTOSHOP = b"ICCRGBG1012", b"MGKIPTC0000", b"MGK8BIM0000"

INVENTORY = Inventory(
    "GIF",
    "extension",
    (
        Part("header", "the size", Fate.READ),
        Part("palette", "the colours", Fate.READ),
        Part("image", "the pixels of a frame", Fate.READ),
        Part("graphic control", "time, transparency and disposal of a frame", Fate.READ),
        Part("NETSCAPE2.0", "the number of repetitions", Fate.READ),
        Part("ANIMEXTS1.0", "the number of repetitions", Fate.READ),
        Part("comment", "a comment", Fate.KEPT, "in a GIF"),
        Part("XMP DataXMP", "XMP", Fate.KEPT),
        Part("pixel aspect ratio", "the aspect ratio of the pixels", Fate.KEPT),
        Part(
            "ICCRGBG1012",
            "the colour profile",
            Fate.CONVERTED,
            "a profile in other formats; in a GIF, colours are sRGB",
        ),
        Part("MGKIPTC0000", "IPTC", Fate.CONVERTED, "in JPEG and TIFF; by ImageMagick"),
        Part("MGK8BIM0000", "resources of Photoshop", Fate.CONVERTED, "in JPEG and TIFF; by ImageMagick"),
        Part("background", "the entry of the palette behind the frames", Fate.RENEWED, "viewers show transparency"),
        Part("plain text", "a text that the viewer draws", Fate.LOST),
        Part("user input", "that the viewer waits for the user", Fate.LOST),
        Part("ImageMagick", "a setting of ImageMagick", Fate.LOST),
        Part("C2PA_GIF", "a C2PA manifest signed for the old pixels", Fate.LOST),
    ),
)

# The packet is stored as plain bytes. A reader that takes its bytes for block lengths lands in this trailer, which
# leads it to the end.
_MAGIC = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
_MOST = 16 * 1024**2
_MOST_NAMES = 256  # more names than there can be in earnest
_SQUARE = 49  # the value for an aspect ratio of 1
_LABELS = {0x01: "plain text", 0xF9: "graphic control", 0xFE: "comment"}


@dataclass
class Contents:
    """What a GIF consists of.

    Args:
        names: of the parts, each once, in order.
        packet: the XMP packet.
        profile: the colour profile.
        records: IPTC records.
        resources: Photoshop's resources.
        comments: in order.
        aspect: the byte that states the pixels' aspect ratio; 0 if it is 1 or not stated.
        notes: what comes after the end, or that there is none, one sentence each.
    """

    names: dict[str, None] = field(default_factory=dict)
    packet: bytes | None = None
    profile: bytes | None = None
    records: bytes | None = None
    resources: bytes | None = None
    comments: tuple[bytes, ...] = ()
    aspect: int = 0
    notes: tuple[str, ...] = ()

    @property
    def losses(self) -> tuple[str, ...]:
        """What a result will lack, one sentence each."""
        return (*INVENTORY.losses(self.names), *self.notes)

    def add(self, name: str) -> None:
        """Add the name of a part."""
        if len(self.names) < _MOST_NAMES:
            self.names.setdefault(name)


def read_contents(file: BinaryIO) -> Contents:
    """One pass over the blocks of a GIF; pixels are skipped. A truncated file gives what comes before its end.

    Raises:
        OSError: the file cannot be read.
    """
    result = Contents()
    file.seek(0)
    head = file.read(13)
    if head[:6] not in (b"GIF87a", b"GIF89a") or len(head) < 13:
        return result
    result.add("header")
    if head[10] & 0x80:
        result.add("palette")
    if head[11]:
        result.add("background")
    if head[12] not in (0, _SQUARE):
        result.add("pixel aspect ratio")
        result.aspect = head[12]
    file.seek(_palette_size(head[10]), 1)
    comments: list[bytes] = []
    while (kind := file.read(1)) in (b"!", b",", b"\0"):  # some programs write one terminator too many
        if kind == b",":
            frame = file.read(9)
            if len(frame) < 9:
                break
            result.add("image")
            file.seek(_palette_size(frame[8]) + 1, 1)
            _read_content(file, keep=False)
        elif kind == b"!":
            _read_extension(file, result, comments)
    result.comments = tuple(comments)
    if kind == b";" and (trailing := describe_trailing(file, file.tell())):
        result.notes = (trailing,)
    if kind != b";":
        result.notes = ("the GIF may be damaged: it has no end, and what followed its last frame is missing",)
    return result


def read_canvas(file: BinaryIO) -> tuple[int, int]:
    """Width and height of the canvas, on which the frames lie; 0, 0 if the file is no GIF.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    head = file.read(10)
    if head[:6] not in (b"GIF87a", b"GIF89a") or len(head) < 10:
        return 0, 0
    width, height = struct.unpack_from("<HH", head, 6)
    return width, height


def frame_areas(file: BinaryIO) -> Iterator[tuple[int, int, int, int, int]]:
    """Left, top, width, height and disposal of each frame.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    head = file.read(13)
    if head[:6] not in (b"GIF87a", b"GIF89a") or len(head) < 13:
        return
    file.seek(_palette_size(head[10]), 1)
    disposal = 0
    while (kind := file.read(1)) in (b"!", b",", b"\0"):
        if kind == b"!":
            label = file.read(1)
            content = _read_content(file, keep=label == b"\xf9")
            if label == b"\xf9" and content:
                disposal = content[0] >> 2 & 7
        elif kind == b",":
            place = file.read(9)
            if len(place) < 9:
                return
            left, top, width, height = struct.unpack_from("<4H", place)
            yield left, top, width, height, disposal
            disposal = 0
            file.seek(_palette_size(place[8]) + 1, 1)
            _read_content(file, keep=False)


def read_blocks(file: BinaryIO) -> tuple[bytes | None, tuple[bytes, ...]]:
    """The XMP packet, or None, and the comments of a GIF; of a truncated file those before its end.

    Raises:
        OSError: the file cannot be read.
    """
    contents = read_contents(file)
    return contents.packet, contents.comments


def frames(file: BinaryIO) -> Iterator[tuple[int, int, int, bytes]]:
    """Width, height, the bits of the smallest codes and the data of each frame.

    Raises:
        OSError: the file cannot be read.
    """
    file.seek(0)
    head = file.read(13)
    if head[:6] not in (b"GIF87a", b"GIF89a") or len(head) < 13:
        return
    file.seek(_palette_size(head[10]), 1)
    while (kind := file.read(1)) in (b"!", b",", b"\0"):
        if kind == b"!":
            file.seek(1, 1)
            _read_content(file, keep=False)
        elif kind == b",":
            frame = file.read(9)
            if len(frame) < 9:
                return
            file.seek(_palette_size(frame[8]), 1)
            bits = file.read(1)
            width, height = struct.unpack_from("<HH", frame, 4)
            yield width, height, bits[0] if bits else 0, _read_content(file, keep=True, most=None)


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
        end = max(0, file.seek(0, os.SEEK_END) - 1)
        file.seek(end)
        if file.read() != b";":
            raise ValueError("the GIF has no end")
        file.seek(end)
        file.write(result + b";")


def set_aspect(path: str | Path, aspect: int) -> None:
    """Set the byte that states the aspect ratio of the pixels.

    Raises:
        OSError: the file cannot be written.
    """
    with open(path, "r+b") as file:
        file.seek(12)
        file.write(bytes([aspect]))


def _read_extension(file: BinaryIO, result: Contents, comments: list[bytes]) -> None:
    label = file.read(1)
    if label == b"\xff":
        _read_application(file, result)
        return
    if not label:
        return
    result.add(_LABELS.get(label[0], f"0x{label[0]:02X}"))
    content = _read_content(file, keep=label in b"\xf9\xfe")
    if label == b"\xf9" and content[:1] and content[0] & 2:
        result.add("user input")
    if label == b"\xfe" and content:
        comments.append(content)


def _read_application(file: BinaryIO, result: Contents) -> None:
    start = file.tell()
    name = file.read(12)
    if name == b"\x0b" + _XMP:
        result.add("XMP DataXMP")
        result.packet = _read_packet(file)
        return
    if name[:1] != b"\x0b":
        file.seek(start)
        _read_content(file, keep=False)
        result.add("without a name")
        return
    name = name[1:]
    title = "".join(chr(each) for each in name if 32 <= each < 127).strip()
    result.add("C2PA_GIF" if title.startswith("C2PA_GIF") else title or "without a name")
    content = _read_content(file, keep=name in (_PROFILE, _IPTC, _PHOTOSHOP)) or None
    if name == _PROFILE:
        result.profile = content
    elif name == _IPTC:
        result.records = content
    elif name == _PHOTOSHOP:
        result.resources = content


def _palette_size(flags: int) -> int:
    """Size of a colour table in bytes."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _read_content(file: BinaryIO, keep: bool, most: int | None = _MOST) -> bytes:
    """The content of sub-blocks, of which no more than ``most`` bytes are kept."""
    parts: list[bytes] = []
    total = 0
    while (length := file.read(1)) not in (b"", b"\0"):
        if keep and (most is None or total < most):
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
