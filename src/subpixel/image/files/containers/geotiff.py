"""Georeferences of a TIFF, for an image of another size.

Raster coordinates are those of the pixels' corners (PixelIsArea) or centres (PixelIsPoint). An upscaled image covers
the same ground, so corners stay where they are, and centres move.

Source: OGC GeoTIFF 1.1, sections 7.1.2 and 7.3, annex B.6.
"""

from __future__ import annotations

import re
import struct

from subpixel.image.files.containers.tiff_inventory import GEOGRAPHIC

__all__ = ["GEOGRAPHIC", "for_size"]

Tags = dict[int, tuple[int, int, bytes]]

_PIXEL_SCALE, _TIEPOINTS, _TRANSFORMATION, _KEYS, _GDAL_METADATA = 33550, 33922, 34264, 34735, 42112
_RASTER_TYPE, _IS_POINT = 1025, 2
_STATISTICS = re.compile(rb"[ \t]*<Item\b[^>]*\bname=\"STATISTICS_[^>]*>[^<]*</Item>\s*")


def for_size(tags: Tags, before: tuple[int, int], after: tuple[int, int]) -> Tags:
    """The tags of an image that covers the same ground in another size.

    Args:
        tags: types, counts and values by tag, in little-endian order.
        before: width and height of the source.
        after: width and height of the result.

    Returns:
        The same tags: the pixel scale, tiepoints and the transformation are those of the result, and GDAL's statistics
        of the old samples are left out.

    >>> scale = struct.pack("<3d", 10, 10, 0)
    >>> _, _, value = for_size({33550: (12, 3, scale)}, (100, 80), (250, 160))[33550]
    >>> struct.unpack("<3d", value)
    (4.0, 5.0, 0.0)
    """
    x, y = after[0] / before[0], after[1] / before[1]
    centre = 0.5 if _is_point(tags) else 0.0
    result = dict(tags)
    for tag, (kind, count, value) in tags.items():
        if tag == _GDAL_METADATA:
            value = _STATISTICS.sub(b"", value)
            result[tag] = (kind, len(value), value)
        elif tag in (_PIXEL_SCALE, _TIEPOINTS, _TRANSFORMATION) and kind == 12:
            numbers = list(struct.unpack(f"<{count}d", value))
            if tag == _PIXEL_SCALE and count >= 2:
                numbers[:2] = numbers[0] / x, numbers[1] / y
            elif tag == _TIEPOINTS:
                for k in range(0, count - 5, 6):
                    numbers[k] = (numbers[k] + centre) * x - centre
                    numbers[k + 1] = (numbers[k + 1] + centre) * y - centre
            elif tag == _TRANSFORMATION and count == 16:
                for row in range(0, 16, 4):
                    across, down = numbers[row], numbers[row + 1]
                    numbers[row : row + 2] = across / x, down / y
                    numbers[row + 3] += centre * (across / x - across + down / y - down)
            result[tag] = (kind, count, struct.pack(f"<{count}d", *numbers))
    return result


def _is_point(tags: Tags) -> bool:
    """Whether raster coordinates are those of centres: the GeoKey GTRasterType, a short in the key directory itself."""
    kind, count, value = tags.get(_KEYS, (0, 0, b""))
    if kind != 3:
        return False
    numbers = struct.unpack(f"<{count}H", value)
    keys = [numbers[k : k + 4] for k in range(4, count - 3, 4)]
    return any(key[0] == _RASTER_TYPE and key[1] == 0 and key[3] == _IS_POINT for key in keys)
