"""Places and lengths in pixels that EXIF states, for the image after it is turned upright and scaled.

They are the subject, a point or an area, and the pixels of the camera's sensor in a unit of length. Both count in the
image as it is stored, before EXIF's orientation.

Source: EXIF 2.32, 4.6.5, G (SubjectArea, SubjectLocation, FocalPlaneXResolution, FocalPlaneYResolution).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["Geometry", "change_place"]

_AREA, _LOCATION, _ACROSS, _DOWN = 37396, 41492, 41486, 41487
_NAMES = {
    _AREA: "SubjectArea",
    _LOCATION: "SubjectLocation",
    _ACROSS: "FocalPlaneXResolution",
    _DOWN: "FocalPlaneYResolution",
}
_SHORT, _RATIONAL = 3, 5


@dataclass(frozen=True)
class Geometry:
    """How a result lies over its source.

    Args:
        source: width and height of the source as it is stored.
        orientation: of the source, 1 to 8 as in EXIF.
        size: width and height of the result.
        known: whether that is how places must be turned; not where something else than EXIF turns the image.
    """

    source: tuple[int, int]
    orientation: int
    size: tuple[int, int]
    known: bool = True

    @property
    def changes(self) -> bool:
        """Whether a place of the source is another one in the result."""
        return self.orientation != 1 or self.size != self.source or not self.known

    @property
    def turned(self) -> bool:
        """Whether width and height are exchanged."""
        return self.orientation >= 5

    @property
    def scales(self) -> tuple[float, float]:
        """The factors of the result's width and height."""
        width, height = self.source[::-1] if self.turned else self.source
        return self.size[0] / max(width, 1), self.size[1] / max(height, 1)

    def share(self, x: float, y: float) -> tuple[float, float]:
        """A point of the source in the result, both as shares of width and height.

        >>> Geometry((30, 20), 6, (40, 60)).share(0.25, 0.5)
        (0.5, 0.25)
        """
        if self.orientation in (2, 3, 7, 8):
            x = 1 - x
        if self.orientation in (3, 4, 6, 7):
            y = 1 - y
        return (y, x) if self.turned else (x, y)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the source in the result, both in pixels from the upper left corner.

        >>> Geometry((30, 20), 6, (40, 60)).point(0, 0)
        (40.0, 0.0)
        """
        across, down = self.share(x / max(self.source[0], 1), y / max(self.source[1], 1))
        return across * self.size[0], down * self.size[1]

    def lengths(self, across: float, down: float) -> tuple[float, float]:
        """A width and a height in pixels of the source as those in the result."""
        if self.turned:
            across, down = down, across
        return across * self.scales[0], down * self.scales[1]

    def diameter(self, length: float) -> float:
        """The diameter of a circle with the area that an ellipse has in the result."""
        return length * math.sqrt(self.scales[0] * self.scales[1])

    def pixel(self, x: int, y: int) -> tuple[int, int]:
        """The pixel of the result over the middle of a pixel of the source."""
        across, down = self.point(x + 0.5, y + 0.5)
        return math.floor(across), math.floor(down)

    def area(self, numbers: tuple[int, ...]) -> tuple[int, ...] | None:
        """A point (2 numbers), a circle (3) or a rectangle around a point (4); None if it is none of them."""
        if len(numbers) < 2 or len(numbers) > 4:
            return None
        x, y, *lengths = numbers
        if len(lengths) == 1:
            return (*self.pixel(x, y), round(self.diameter(lengths[0])))
        if len(lengths) == 2:
            across, down = self.lengths(*lengths)
            return (*self.pixel(x, y), round(across), round(down))
        return self.pixel(x, y)


def change_place(
    body: bytearray, order: str, tag: int, entry: bytes, geometry: Geometry
) -> tuple[bytes | None, str | None]:
    """The entry of a directory for the result, and what is to be left out instead: its name.

    Args:
        body: the block, in which values that lie outside of entries are changed.
        order: its byte order.
        tag: of the entry.
        entry: its 12 bytes.
        geometry: of the result.
    """
    name = _NAMES.get(tag)
    if name is None or not geometry.changes:
        return entry, None
    _, kind, count, _ = struct.unpack(order + "HHII", entry)
    if not geometry.known:
        return None, name
    if tag in (_ACROSS, _DOWN):
        # What was across is down in an image that is turned; its entry then has the other tag.
        if geometry.turned:
            tag = _ACROSS + _DOWN - tag
        return _scaled(body, order, entry, tag, geometry.scales[tag - _ACROSS]), None
    if kind != _SHORT or count not in (2, 3, 4):
        return None, name
    at = 0 if count == 2 else struct.unpack_from(order + "I", entry, 8)[0]
    content = entry[8:12] if count == 2 else bytes(body[at : at + 2 * count])
    if len(content) < 2 * count:
        return None, name
    numbers = geometry.area(struct.unpack(f"{order}{count}H", content))
    if numbers is None or not all(0 <= each < 1 << 16 for each in numbers):
        return None, name  # 16 bits cannot say it
    changed = struct.pack(f"{order}{count}H", *numbers)
    if count == 2:
        return entry[:8] + changed, None
    body[at : at + len(changed)] = changed
    return entry, None


def _scaled(body: bytearray, order: str, entry: bytes, tag: int, scale: float) -> bytes:
    """An entry of a rational number that is multiplied, in its place, under a tag."""
    _, kind, count, at = struct.unpack(order + "HHII", entry)
    if kind == _RATIONAL and count == 1 and at + 8 <= len(body):
        numerator, denominator = struct.unpack_from(order + "II", body, at)
        if denominator:
            value = Fraction(numerator, denominator) * Fraction(scale).limit_denominator(1 << 16)
            value = value.limit_denominator(max(1, int((1 << 31) / max(float(value), 1.0))))
            if value < 1 << 32:
                struct.pack_into(order + "II", body, at, value.numerator, value.denominator)
    return struct.pack(order + "H", tag) + entry[2:]
