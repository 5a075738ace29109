"""Segments of a JPEG that libvips ignores: further images in the file, extended XMP, Photoshop's resources.

Sources: CIPA DC-007 (MPF), ISO 21496-1 and Adobe's gain maps, Adobe's XMP specification part 3 (extended XMP), Adobe's
Photoshop file format (image resources).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

__all__ = ["LARGEST_SEGMENT", "from_photoshop", "list_losses", "remove_previews", "resources", "to_photoshop"]

# Bytes that a segment holds after its two bytes of length.
LARGEST_SEGMENT = 65533

_PHOTOSHOP = b"Photoshop 3.0\0"
_IPTC, _PREVIEWS = 0x0404, (0x0409, 0x040C)
_GAIN_MAPS = (b"urn:iso:std:iso:ts:21496", b"http://ns.adobe.com/hdr-gain-map/", b"HDRGainMap")


def list_losses(file: BinaryIO) -> tuple[str, ...]:
    """What a JPEG holds that the result will lack, one sentence each.

    Raises:
        OSError: the file cannot be read.
    """
    gain_map, images, extended = False, 1, False
    comments: list[str] = []
    for marker, content in _segments(file):
        gain_map |= any(sign in content for sign in _GAIN_MAPS) and marker in (0xE1, 0xE2)
        if marker == 0xE2 and content.startswith(b"MPF\0"):
            images = max(images, _image_count(content[4:]))
        if marker == 0xFE:
            comments.append(content.decode("utf-8", "replace").strip("\0 \n"))
        extended |= marker == 0xE1 and content.startswith(b"http://ns.adobe.com/xmp/extension/\0")
    losses = []
    if gain_map:
        losses.append("the gain map (for HDR screens) is not kept; the base image is upscaled")
    elif images > 1:
        losses.append(f"the file holds {images} images (MPF); the first is upscaled, the others are not kept")
    if extended:
        losses.append("extended XMP (beyond the first 64 KB) is not kept")
    for text in comments:
        plain = " ".join(text.split())
        losses.append(f"the JPEG comment is not kept: {plain[:60]}{'…' if len(plain) > 60 else ''}")
    return tuple(losses)


def from_photoshop(segment: bytes) -> bytes | None:
    """The IPTC records in Photoshop's resources (libvips' ``iptc-data`` of a JPEG); None if there are none.

    >>> from_photoshop(to_photoshop(b"abc"))
    b'abc'
    """
    return next((content for number, _, content in _resources(segment) if number == _IPTC), None)


def to_photoshop(records: bytes, others: bytes = b"") -> bytes:
    """The JPEG segment for IPTC records and for other Photoshop resources, as a TIFF holds them."""
    return _PHOTOSHOP + others + _resource(_IPTC, b"\0\0", records)


def remove_previews(segment: bytes) -> bytes:
    """The resources without thumbnails, which show the old pixels."""
    others = [one for one in _resources(segment) if one[0] not in _PREVIEWS]
    return _PHOTOSHOP + b"".join(_resource(*one) for one in others) if others else b""


def resources(segment: bytes) -> bytes:
    """The resources as a TIFF holds them: without the signature before them."""
    return segment.removeprefix(_PHOTOSHOP)


def _segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment before the pixels."""
    file.seek(0)
    if file.read(2) != b"\xff\xd8":
        return
    while len(start := file.read(4)) == 4 and start[0] == 0xFF and start[1] != 0xDA:
        if start[1] == 0xFF:  # a fill byte
            file.seek(-3, 1)
            continue
        yield start[1], file.read(max(0, int.from_bytes(start[2:], "big") - 2))


def _image_count(index: bytes) -> int:
    """The number of images in an MPF index: the value of tag B001."""
    order = "little" if index[:2] == b"II" else "big"
    tag = (0xB001).to_bytes(2, order) + (4).to_bytes(2, order) + (1).to_bytes(4, order)  # type: ignore[arg-type]
    match = re.search(re.escape(tag) + b"(.{4})", index, re.DOTALL)
    return int.from_bytes(match[1], order) if match else 1  # type: ignore[arg-type]


def _resources(segment: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, name (with its length and padding) and content of each resource."""
    at = len(_PHOTOSHOP) if segment.startswith(_PHOTOSHOP) else 0
    while segment[at : at + 4] == b"8BIM" and at + 12 <= len(segment):
        number = int.from_bytes(segment[at + 4 : at + 6], "big")
        name = segment[at + 6 : at + 6 + (segment[at + 6] // 2 + 1) * 2]
        at += 6 + len(name)
        length = int.from_bytes(segment[at : at + 4], "big")
        yield number, name, segment[at + 4 : at + 4 + length]
        at += 4 + length + length % 2


def _resource(number: int, name: bytes, content: bytes) -> bytes:
    padding = b"\0" * (len(content) % 2)
    return b"8BIM" + number.to_bytes(2, "big") + name + len(content).to_bytes(4, "big") + content + padding
