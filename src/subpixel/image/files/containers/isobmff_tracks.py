"""The tracks of an image sequence: AVIF's animations, HEIF's bursts.

Sources: ISO/IEC 14496-12, sections 8.3 to 8.6; ISO/IEC 23008-12, section 7; AV1 Codec ISO Media File Format Binding,
section 2.3 (``av1C``); ISO/IEC 14496-15, section 8.3 (``hvcC``).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from subpixel.image.files.containers.boxes import Box, box_name, read_boxes

__all__ = ["MOST_FRAMES", "Track", "read_track"]

# More frames than the tracks of an image sequence have in earnest, together.
MOST_FRAMES = 1_000_000
# The matrix of a track, by its signs in the order a, b, c, d, and the orientation in EXIF that it amounts to.
_TURNS = {(1, 0, 0, 1): 1, (-1, 0, 0, 1): 2, (-1, 0, 0, -1): 3, (1, 0, 0, -1): 4, (0, 1, -1, 0): 6, (0, -1, 1, 0): 8}


class Track(NamedTuple):
    """A track of ``moov``.

    Args:
        number: by which references name it.
        handler: ``pict`` or ``vide`` for images, ``auxv`` for an auxiliary track such as alpha.
        samples: the number of its frames.
        times: of the frames in seconds: numerator and denominator.
        size: width and height of a frame.
        codec: as ``av01``.
        start: offset of the first frame in the file.
        references: type and the tracks that it refers to: ``auxl`` from alpha to the images.
        orientation: 1 … 8, as in EXIF, by its matrix; 0 for a matrix that turns by no right angle.
        plays: how often it is played; 0 for ever.
        properties: ``colr`` boxes and others of its sample description.
    """

    number: int
    handler: str
    samples: int
    times: tuple[tuple[int, int], ...]
    size: tuple[int, int]
    codec: str
    start: int
    references: tuple[tuple[str, tuple[int, ...]], ...]
    orientation: int
    plays: int
    properties: tuple[Box, ...]

    def refers(self, kind: str, to: int) -> bool:
        """Whether it refers to another track."""
        return any(each == kind and to in numbers for each, numbers in self.references)

    @property
    def bits(self) -> int:
        """Bits of a sample, by the parameters of AV1 and HEVC; 8 for other codecs."""
        for kind, content in self.properties:
            if kind == "av1C" and len(content) >= 4:
                return (12 if content[2] & 0x20 else 10) if content[2] & 0x40 else 8
            if kind == "hvcC" and len(content) >= 18:
                return 8 + (content[17] & 7)
        return 8

    @property
    def is_gray(self) -> bool:
        """Whether it has no chroma."""
        for kind, content in self.properties:
            if kind == "av1C" and len(content) >= 4:
                return bool(content[2] & 0x10)
            if kind == "hvcC" and len(content) >= 17:
                return content[16] & 3 == 0
        return False


def read_track(content: bytes, most: int = MOST_FRAMES) -> Track:
    """A track by the content of its box ``trak``.

    Args:
        content: of the box.
        most: times of frames that are read.

    Raises:
        struct.error, IndexError: it is damaged.
    """
    parts = {box.kind: box.content for box in read_boxes(content)}
    head = parts["tkhd"] if "tkhd" in parts else bytes(92)
    wide = head[0] == 1
    number, _, duration = struct.unpack_from(">IIQ" if wide else ">III", head, 20 if wide else 12)
    matrix = struct.unpack_from(">9i", head, 52 if wide else 40)
    media = {box.kind: box.content for box in read_boxes(parts.get("mdia", b""))}
    clock = media.get("mdhd", bytes(32))
    (ticks,) = struct.unpack_from(">I", clock, 20 if clock[0] == 1 else 12)
    tables = next((box.content for box in read_boxes(media.get("minf", b"")) if box.kind == "stbl"), b"")
    found = {box.kind: box.content for box in read_boxes(tables)}
    samples = int.from_bytes(found.get("stsz", found.get("stz2", b""))[8:12], "big")
    places = found.get("co64", found.get("stco", b""))
    start = int.from_bytes(places[8 : 16 if "co64" in found else 12], "big")
    references = tuple(
        (kind, struct.unpack(f">{len(body) // 4}I", body[: len(body) // 4 * 4]))
        for kind, body in read_boxes(parts.get("tref", b""))
    )
    plays = _plays(parts.get("edts", b""), duration, (1 << (64 if wide else 32)) - 1)
    codec, size = "", (0, 0)
    properties: tuple[Box, ...] = ()
    for entry in read_boxes(found.get("stsd", b""), 8):  # the first description; a visual one has 78 bytes of its own
        codec = entry.kind
        if len(entry.content) >= 78:
            size = struct.unpack_from(">HH", entry.content, 24)
            properties = tuple(read_boxes(entry.content, 78))
        break
    return Track(
        number,
        box_name(media.get("hdlr", b"")[8:12]),
        samples,
        _times(found.get("stts", b""), min(samples, most), ticks),
        size,
        codec,
        start,
        references,
        _orientation(matrix),
        plays,
        properties,
    )


def _times(content: bytes, samples: int, ticks: int) -> tuple[tuple[int, int], ...]:
    """Numerator and denominator of the seconds of each sample, by ``stts``: pairs of a count and a duration."""
    times: list[tuple[int, int]] = []
    for at in range(8, len(content) - 7, 8):
        count, duration = struct.unpack_from(">II", content, at)
        times += [(duration, ticks or 1)] * min(count, samples - len(times))
    return tuple(times)


def _plays(content: bytes, duration: int, endless: int) -> int:
    """How often a track is played, by its edit list: flag 1 repeats the only edit for the track's duration."""
    edits = next((box.content for box in read_boxes(content) if box.kind == "elst"), b"")
    if len(edits) < 12 or not edits[3] & 1:
        return 1
    (segment,) = struct.unpack_from(">Q" if edits[0] == 1 else ">I", edits, 8)
    return 0 if duration == endless or not segment else max(1, -(-duration // segment))


def _orientation(matrix: tuple[int, ...]) -> int:
    if not any(matrix):
        return 1
    a, b, c, d = ((value > 0) - (value < 0) for value in (matrix[0], matrix[1], matrix[3], matrix[4]))
    return _TURNS.get((a, b, c, d), 0)
