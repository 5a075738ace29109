"""What XMP states about places in an image, for the image after it is turned upright and scaled.

Regions of faces and objects, the subject, pixels of the sensor, sizes of panoramas. Where a place cannot be changed, it
is removed, and named.

Sources: EXIF for XMP (CIPA DC-010); Metadata Working Group, Guidelines for Handling Image Metadata 2.0, regions;
Microsoft's People Tag schema; IPTC Photo Metadata Standard, Image Region; Google's Photo Sphere XMP metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from subpixel.image.files.containers.exif_places import Geometry
from subpixel.image.files.xmp_values import RDF, Edit, Node, Value, apply_edits, read_nodes

__all__ = ["change_places"]

_TIFF, _EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
_AREA, _SIZE = "http://ns.adobe.com/xmp/sType/Area#", "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
_REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
_PEOPLE = "http://ns.microsoft.com/photo/1.2/t/Region#"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PANORAMA = "http://ns.google.com/photos/1.0/panorama/"
_ACROSS = ("CroppedAreaImageWidthPixels", "FullPanoWidthPixels", "CroppedAreaLeftPixels")
_DOWN = ("CroppedAreaImageHeightPixels", "FullPanoHeightPixels", "CroppedAreaTopPixels")


def change_places(packet: bytes, geometry: Geometry) -> tuple[bytes, tuple[str, ...]]:
    """A packet for a result, and the names of what is removed because it would be false.

    Args:
        packet: in UTF-8, which is known to be XML.
        geometry: of the result over the source.
    """
    if not geometry.changes:
        return packet, ()
    edits: list[Edit] = []
    lost: dict[str, None] = {}
    for node in read_nodes(packet):
        for change in (_photo, _region, _people, _boundary, _panorama):
            try:
                edits += change(node, geometry)
            except (ValueError, ArithmeticError, KeyError):  # not as it is specified, or not known how
                lost[node.name[1]] = None
                edits.append((node.start, node.end, b""))
    return apply_edits(packet, edits), tuple(lost)


def _known(geometry: Geometry) -> None:
    if not geometry.known:
        raise ValueError("the image is turned by something else than EXIF")


def _pairs(node: Node, namespace: str, names: tuple[str, str]) -> Iterator[tuple[int, Value]]:
    """Which of two names, and its value, of the properties of a description."""
    if node.name == (RDF, "Description"):
        found = node.properties()
        for k, name in enumerate(names):
            if (namespace, name) in found:
                yield k, found[namespace, name]


def _photo(node: Node, geometry: Geometry) -> list[Edit]:
    """Properties of EXIF and TIFF: two resolutions and the subject."""
    edits: list[Edit] = []
    resolutions = dict(_pairs(node, _TIFF, ("XResolution", "YResolution")))
    if geometry.turned and len(resolutions) == 2:
        edits += [resolutions[0].to(resolutions[1].text), resolutions[1].to(resolutions[0].text)]
    sensor = dict(_pairs(node, _EXIF, ("FocalPlaneXResolution", "FocalPlaneYResolution")))
    for k, value in sensor.items():
        other = sensor.get(1 - k) if geometry.turned else value
        if other is not None:
            scaled = Fraction(other.text.replace(" ", "")) * Fraction(geometry.scales[k]).limit_denominator(1 << 16)
            scaled = scaled.limit_denominator(1 << 16)
            edits.append(value.to(f"{scaled.numerator}/{scaled.denominator}"))
    if node.name in ((_EXIF, "SubjectArea"), (_EXIF, "SubjectLocation")):
        _known(geometry)
        items = node.items()
        changed = None if items is None else geometry.area(tuple(int(item.text) for item in items))
        if items is None or changed is None:
            raise ValueError("no list of numbers")
        edits += [item.to(str(number)) for item, number in zip(items, changed, strict=True)]
    return edits


def _region(node: Node, geometry: Geometry) -> list[Edit]:
    """The regions of the Metadata Working Group: around a middle, as shares or in pixels; and the image's size."""
    found = node.properties()
    if node.name == (_REGIONS, "AppliedToDimensions"):
        pixels = found.get((_SIZE, "unit"))
        if pixels is not None and pixels.text != "pixel":
            return []
        return [found[_SIZE, name].to(str(n)) for name, n in zip("wh", geometry.size, strict=True)]
    if node.name != (_REGIONS, "Area"):
        return []
    _known(geometry)
    unit = found.get((_AREA, "unit"))
    numbers = {name: float(found[_AREA, name].text) for name in "xywhd" if (_AREA, name) in found}
    changed = dict(numbers)
    if unit is not None and unit.text == "pixel":
        changed["x"], changed["y"] = geometry.point(numbers["x"], numbers["y"])
        if {"w", "h"} <= numbers.keys():
            changed["w"], changed["h"] = geometry.lengths(numbers["w"], numbers["h"])
        if "d" in numbers:
            changed["d"] = geometry.diameter(numbers["d"])
    else:
        changed["x"], changed["y"] = geometry.share(numbers["x"], numbers["y"])
        if geometry.turned and {"w", "h"} <= numbers.keys():
            changed["w"], changed["h"] = numbers["h"], numbers["w"]
    return [found[_AREA, name].to(f"{new:.9g}") for name, new in changed.items() if new != numbers[name]]


def _people(node: Node, geometry: Geometry) -> list[Edit]:
    """Microsoft's regions: left, top, width and height as shares."""
    value = node.properties().get((_PEOPLE, "Rectangle"))
    inside = node.name == (RDF, "Description") and node.parent is not None and node.parent.name == (RDF, "li")
    if value is None or inside or geometry.orientation == 1:  # an item shows what is inside
        if value is not None and not inside:
            _known(geometry)
        return []
    _known(geometry)
    left, top, width, height = (float(each) for each in value.text.split(","))
    corners = geometry.share(left, top), geometry.share(left + width, top + height)
    (a, b), (c, d) = corners
    new = (min(a, c), min(b, d), abs(a - c), abs(b - d))
    return [value.to(", ".join(f"{each:.9g}" for each in new))]


def _boundary(node: Node, geometry: Geometry) -> list[Edit]:
    """IPTC's regions: shares stay where nothing is turned; others are not known to be changed."""
    if node.name != (_IPTC, "ImageRegion"):
        return []
    units = [
        below.properties()[_IPTC, "rbUnit"].text for below in _below(node) if (_IPTC, "rbUnit") in below.properties()
    ]
    if geometry.orientation != 1 or not geometry.known or any(unit != "relative" for unit in units):
        raise ValueError("no shares of an image that stays upright")
    return []


def _below(node: Node) -> Iterator[Node]:
    for child in node.children:
        yield child
        yield from _below(child)


def _panorama(node: Node, geometry: Geometry) -> list[Edit]:
    """Sizes and places of a panorama, in pixels of the image."""
    if node.name != (RDF, "Description"):
        return []
    edits = []
    found = node.properties()
    for names, scale in zip((_ACROSS, _DOWN), geometry.scales, strict=True):
        for name in names:
            value = found.get((_PANORAMA, name))
            if value is not None:
                _known(geometry)
                edits.append(value.to(str(round(float(value.text) * scale))))
    return edits
