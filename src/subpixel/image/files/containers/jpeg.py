"""What a JPEG holds that libvips ignores: further images, extended XMP, comments, trailers, Photoshop's resources.

Sources: CIPA DC-007 (MPF), ISO 21496-1 and Adobe's gain maps, Adobe's XMP specification part 3 (extended XMP), Adobe's
Photoshop file format (image resources).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Collection, Iterator
from typing import BinaryIO

from subpixel.image.files.containers.jpeg_inventory import CODINGS, INVENTORY, PHOTOSHOP, part_name
from subpixel.image.files.containers.jpeg_segments import END, read_segments
from subpixel.image.files.containers.jpeg_trailer import list_trailer

__all__ = [
    "INVENTORY",
    "LARGEST_SEGMENT",
    "from_photoshop",
    "list_losses",
    "list_parts",
    "pixel_aspect",
    "remove_previews",
    "resources",
    "states_resolution",
    "to_photoshop",
    "unsupported_coding",
]

# Bytes that a segment holds after its two bytes of length.
LARGEST_SEGMENT = 65533

_IPTC, _PREVIEWS = 0x0404, (0x0409, 0x040C)
_GAIN_MAPS = (b"urn:iso:std:iso:ts:21496", b"http://ns.adobe.com/hdr-gain-map/", b"HDRGainMap")
_SCAN = 0xDA
# Tags of an MPF index: the number of images, and an entry of 16 bytes for each.
_COUNT, _ENTRIES = 0xB001, 0xB002
# Parts whose loss has a sentence of its own, with what the file holds.
_OWN_SENTENCES = ("APP2 MPF", "APP2 gain map", "COM")
# Parts that a file has once. A further one is not read.
_SINGLE = {"APP1 Exif": "EXIF", "APP1 XMP": "XMP"}
# The fields of libvips that hold a part. It ignores what it cannot read.
_FIELDS = {
    "APP1 Exif": "exif-data",
    "APP1 XMP": "xmp-data",
    "APP2 ICC_PROFILE": "icc-profile-data",
    "APP13 Photoshop": "iptc-data",
}


def list_parts(file: BinaryIO) -> tuple[str, ...]:
    """The segments of a JPEG by their names in :data:`INVENTORY`, in the order of the file.

    Raises:
        OSError: the file cannot be read.
    """
    return tuple(part_name(segment) for segment in read_segments(file))


def list_losses(file: BinaryIO, fields: Collection[str] | None = None) -> tuple[str, ...]:
    """What a JPEG holds that the result will lack, one sentence each.

    Args:
        file: the file.
        fields: the names of the fields that libvips found; None if it was not asked.

    Raises:
        OSError: the file cannot be read.
    """
    names: list[str] = []
    comments: list[str] = []
    gain_map, images, previews, end = False, 1, 0, 0
    for segment in read_segments(file):
        marker, content = segment.marker, segment.content
        names.append(part_name(segment))
        gain_map |= marker in (0xE1, 0xE2) and any(sign in content for sign in _GAIN_MAPS)
        if names[-1] == "APP2 MPF":
            images, previews = _count_images(content[4:])
        elif marker == 0xFE:
            comments.append(content.decode("utf-8", "replace").strip("\0 \n"))
        elif marker == END:
            end = segment.end
    losses = []
    if gain_map:
        losses.append("the gain map (for HDR screens) is not kept; the base image is upscaled")
    elif images > 1:
        losses.append(f"the file holds {images} images (MPF); the first is upscaled, the others are not kept")
    losses += INVENTORY.losses(name for name in names if name not in _OWN_SENTENCES)
    counts = Counter(names)
    losses += [f"a further block of {kind} ({name}) is not kept" for name, kind in _SINGLE.items() if counts[name] > 1]
    if fields is not None:
        unread = [name for name, field in _FIELDS.items() if counts[name] and field not in fields]
        losses += [f"{INVENTORY.by_name[name].meaning} ({name}) is not kept: it is damaged" for name in unread]
    for text in comments:
        plain = " ".join(text.split())
        losses.append(f"the JPEG comment is not kept: {plain[:60]}{'…' if len(plain) > 60 else ''}")
    if end:
        losses += list_trailer(file, end, max(images - 1 + previews, 1 if gain_map else 0))
    return tuple(losses)


def states_resolution(file: BinaryIO) -> bool:
    """Whether JFIF states a resolution, not only the shape of the pixels.

    Raises:
        OSError: the file cannot be read.
    """
    for segment in read_segments(file):
        if segment.content.startswith(b"JFIF\0") and len(segment.content) >= 12:
            return segment.content[7] in (1, 2) and segment.content[8:10] != b"\0\0"
        if segment.marker == _SCAN:
            break
    return False


def pixel_aspect(file: BinaryIO) -> tuple[int, int] | None:
    """Pixels across and down that are equally long, where JFIF states no more; None if pixels are square.

    Raises:
        OSError: the file cannot be read.
    """
    for segment in read_segments(file):
        if segment.content.startswith(b"JFIF\0") and len(segment.content) >= 12 and segment.content[7] == 0:
            across, down = struct.unpack(">HH", segment.content[8:12])
            return (across, down) if across != down and across and down else None
        if segment.marker == _SCAN:
            break
    return None


def unsupported_coding(file: BinaryIO) -> str | None:
    """What kind of JPEG a file is, if libvips cannot be expected to decode that kind.

    Raises:
        OSError: the file cannot be read.
    """
    for segment in read_segments(file):
        if segment.marker in CODINGS and len(segment.content) > 1:
            coding, readable = CODINGS[segment.marker]
            bits = segment.content[0]
            if bits != 8:
                return f"a JPEG of {bits} bits per sample"
            return None if readable else f"a JPEG with {coding} coding"
    return None


def from_photoshop(segment: bytes) -> bytes | None:
    """The IPTC records in Photoshop's resources (libvips' ``iptc-data`` of a JPEG); None if there are none.

    >>> from_photoshop(to_photoshop(b"abc"))
    b'abc'
    """
    return next((content for number, _, content in _resources(segment) if number == _IPTC), None)


def to_photoshop(records: bytes, others: bytes = b"") -> bytes:
    """The JPEG segment for IPTC records and for other Photoshop resources, as a TIFF holds them."""
    return PHOTOSHOP + others + _resource(_IPTC, b"\0\0", records)


def remove_previews(segment: bytes) -> bytes:
    """The resources without thumbnails, which show the old pixels."""
    others = [one for one in _resources(segment) if one[0] not in _PREVIEWS]
    return PHOTOSHOP + b"".join(_resource(*one) for one in others) if others else b""


def resources(segment: bytes) -> bytes:
    """The resources as a TIFF holds them: without the signature before them."""
    return segment.removeprefix(PHOTOSHOP)


def _count_images(index: bytes) -> tuple[int, int]:
    """The images of an MPF index that are no previews, the first included, and the previews among the others."""
    order = "<" if index[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", index, 4)
        (entries,) = struct.unpack_from(order + "H", index, start)
        tags = {}
        for at in range(start + 2, start + 2 + 12 * entries, 12):
            tag, _, _, value = struct.unpack_from(order + "HHII", index, at)
            tags[tag] = value
        count, at = tags.get(_COUNT, 1), tags.get(_ENTRIES, len(index))
        # The kind of an image is in the low 24 bits of its attributes; those of the first class are previews.
        kinds = [struct.unpack_from(order + "I", index, at + 16 * k)[0] & 0xFFFFFF for k in range(min(count, 1000))]
    except struct.error:
        return 1, 0
    previews = sum(kind >> 16 == 1 for kind in kinds[1:])
    return count - previews, previews


def _resources(segment: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, name (with its length and padding) and content of each resource."""
    at = len(PHOTOSHOP) if segment.startswith(PHOTOSHOP) else 0
    while segment[at : at + 4] == b"8BIM" and at + 12 <= len(segment):
        number = int.from_bytes(segment[at + 4 : at + 6], "big")
        name = segment[at + 6 : at + 6 + (segment[at + 6] // 2 + 1) * 2]
        at += 6 + len(name)
        if at + 4 > len(segment):
            return  # the name is cut short
        length = int.from_bytes(segment[at : at + 4], "big")
        yield number, name, segment[at + 4 : at + 4 + length]
        at += 4 + length + length % 2


def _resource(number: int, name: bytes, content: bytes) -> bytes:
    padding = b"\0" * (len(content) % 2)
    return b"8BIM" + number.to_bytes(2, "big") + name + len(content).to_bytes(4, "big") + content + padding
