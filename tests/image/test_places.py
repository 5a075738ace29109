"""What EXIF and XMP state about places in pixels fits the result, whichever way the source was turned."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from image.packets import EXIF, TIFF
from image.test_exif import entries, stored
from subpixel import Upscaler
from subpixel.image import Job
from subpixel.image.files.containers.exif_changes import change_exif
from subpixel.image.files.containers.exif_places import Geometry
from subpixel.image.files.xmp_places import change_places

WIDTH, HEIGHT, SCALE = 40, 24, 2
AREA, LOCATION, ACROSS, DOWN, SENSOR_UNIT = 37396, 41492, 41486, 41487, 41488
EXIF_POINTER = 34665
ORIENTATIONS = range(1, 9)
# What Pillow does for each orientation.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def marked(box: tuple[int, int, int, int], orientation: int) -> tuple[int, int, int, int]:
    """Where a box of the stored image lies in the upright result: drawn, turned by Pillow, enlarged and found again."""
    image = np.zeros((HEIGHT, WIDTH), np.uint8)
    left, top, right, bottom = box
    image[top:bottom, left:right] = 255
    drawn = Image.fromarray(image)
    drawn = drawn.transpose(UPRIGHT[orientation]) if orientation > 1 else drawn
    rows, columns = np.nonzero(np.asarray(drawn).repeat(SCALE, 0).repeat(SCALE, 1))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def exif_with_places(order: str, orientation: int, area: tuple[int, ...]) -> bytes:
    """Three places below the main directory; values behind it."""
    inner = [
        (AREA, 3, len(area), struct.pack(f"{order}{len(area)}H", *area)),
        (ACROSS, 5, 1, struct.pack(order + "II", 40_000, 7)),
        (DOWN, 5, 1, struct.pack(order + "II", 30_000, 7)),
        (SENSOR_UNIT, 3, 1, struct.pack(order + "H", 3)),
        (LOCATION, 3, 2, struct.pack(order + "HH", 4, 7)),
        (65001, 7, 7, b"private"),
    ]
    main = struct.pack(order + "HHHIHH", 2, 274, 3, 1, orientation, 0)
    main += struct.pack(order + "HHIII", EXIF_POINTER, 4, 1, 8 + len(main) + 16, 0)
    start = 8 + len(main)
    behind = start + 2 + 12 * len(inner) + 4
    table, rest = struct.pack(order + "H", len(inner)), b""
    for tag, kind, count, value in inner:
        table += struct.pack(order + "HHI", tag, kind, count)
        if len(value) <= 4:
            table += value.ljust(4, b"\0")
        else:
            table += struct.pack(order + "I", behind + len(rest))
            rest += value + b"\0" * (len(value) % 2)
    return {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8) + main + table + bytes(4) + rest


def inner_entries(data: bytes) -> tuple[str, dict[int, tuple[int, int, bytes]]]:
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    (start,) = struct.unpack_from(order + "I", data, 4)
    (at,) = struct.unpack(order + "I", entries(data, order, start)[EXIF_POINTER][2])
    return order, entries(data, order, at)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("target", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_exif_places_are_turned_and_scaled(
    upscaler: Upscaler, tmp_path: Path, orientation: int, target: str, order: str
) -> None:
    data = exif_with_places(order, orientation, (10, 6, 8, 4))
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + data)
    result = Job(tmp_path / "a.jpg", upscaler, tmp_path / f"b.{target}", provenance=False).run()
    assert result.notes == ()
    now, found = inner_entries(stored(result.destination))
    x, y, width, height = struct.unpack(now + "4H", found[AREA][2])
    left, top, right, bottom = marked((10, 6, 11, 7), orientation)  # the pixel in the middle
    assert left <= x < right
    assert top <= y < bottom
    assert (width, height) == ((8, 16) if orientation >= 5 else (16, 8))
    left, top, right, bottom = marked((4, 7, 5, 8), orientation)
    x, y = struct.unpack(now + "HH", found[LOCATION][2])
    assert left <= x < right
    assert top <= y < bottom
    # The sensor is as large as it was: as many pixels in a unit more as the image has more.
    across, down = (a / b for a, b in (struct.unpack(now + "II", found[tag][2]) for tag in (ACROSS, DOWN)))
    before = (30_000 / 7, 40_000 / 7) if orientation >= 5 else (40_000 / 7, 30_000 / 7)
    assert (across, down) == (pytest.approx(2 * before[0]), pytest.approx(2 * before[1]))
    assert found[SENSOR_UNIT][2] == struct.pack(now + "H", 3)
    assert found[65001][2] == b"private"


def test_points_and_circles() -> None:
    geometry = Geometry((WIDTH, HEIGHT), 1, (2 * WIDTH, 2 * HEIGHT))
    for area, wanted in (((10, 6), (21, 13)), ((10, 6, 5), (21, 13, 10))):
        order, found = inner_entries(change_exif(exif_with_places("<", 1, area), geometry, None)[0])
        assert struct.unpack(f"{order}{len(area)}H", found[AREA][2]) == wanted


@pytest.mark.parametrize("area", [(1,), (60_000, 6), (1, 2, 3, 4, 5)])
def test_a_place_that_cannot_be_stated_is_left_out_and_named(area: tuple[int, ...]) -> None:
    geometry = Geometry((WIDTH, HEIGHT), 1, (2 * WIDTH, 2 * HEIGHT))
    data, lost = change_exif(exif_with_places("<", 1, area), geometry, None)
    assert lost == ("SubjectArea",)
    _, found = inner_entries(data)
    assert found.keys() == {LOCATION, ACROSS, DOWN, SENSOR_UNIT, 65001}
    assert found[65001][2] == b"private"


def test_an_image_of_the_same_size_keeps_every_byte() -> None:
    data = exif_with_places("<", 1, (10, 6))
    assert change_exif(data, Geometry((9, 7), 1, (9, 7)), None) == (data, ())


def test_places_of_an_image_that_is_turned_by_something_else_are_named() -> None:
    geometry = Geometry((WIDTH, HEIGHT), 6, (2 * HEIGHT, 2 * WIDTH), known=False)
    data, lost = change_exif(exif_with_places("<", 1, (10, 6)), geometry, None)
    assert lost == ("SubjectArea", "FocalPlaneXResolution", "FocalPlaneYResolution", "SubjectLocation")
    assert inner_entries(data)[1].keys() == {SENSOR_UNIT, 65001}


RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
ATTRIBUTES = '<r:Area a:x="0.25" a:y=".5" a:w="0.1" a:h="0.2" a:unit="normalized"/>'
ELEMENTS = (
    '<r:Area rdf:parseType="Resource"><a:x>0.25</a:x><a:y>0.5</a:y><a:w>0.1</a:w><a:h>0.2</a:h>'
    "<a:unit>normalized</a:unit></r:Area>"
)
DESCRIBED = '<r:Area><rdf:Description a:x="0.25" a:y="0.5" a:w="0.1" a:h="0.2" a:unit="normalized"/></r:Area>'
PIXELS = '<r:Area a:x="10" a:y="12" a:w="4" a:h="4.8" a:unit="pixel"/>'


def packet(inside: str, attributes: str = "") -> bytes:
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">
<rdf:Description rdf:about="Ä > b" xmlns:r="{REGIONS}" xmlns:a="http://ns.adobe.com/xmp/sType/Area#"
 xmlns:d="http://ns.adobe.com/xap/1.0/sType/Dimensions#" xmlns:tiff="{TIFF}" xmlns:exif="{EXIF}"
 xmlns:p="http://ns.google.com/photos/1.0/panorama/" xmlns:MP="http://ns.microsoft.com/photo/1.2/t/Region#"
 xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>
""".encode()


BOUNDARY = packet('<i:ImageRegion><rdf:Bag><rdf:li i:rbUnit="relative"/></rdf:Bag></i:ImageRegion>')


def regions(area: str) -> bytes:
    return packet(
        '<r:Regions rdf:parseType="Resource"><r:AppliedToDimensions d:w="40" d:h="24" d:unit="pixel"/><r:RegionList>'
        f'<rdf:Bag><rdf:li><rdf:Description r:Name="Änne" r:Type="Face">{area}</rdf:Description></rdf:li></rdf:Bag>'
        "</r:RegionList></r:Regions>"
    )


def values(data: bytes, prefix: str) -> dict[str, str]:
    found = re.findall(rf"(?<!/){prefix}:(\w+)(?:=\"([^\"]*)\"|>([^<]*)<)", data.decode())
    return {name: attribute or element for name, attribute, element in found}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("area", [ATTRIBUTES, ELEMENTS, DESCRIBED, PIXELS])
def test_regions_of_xmp_are_turned_and_scaled(area: str, orientation: int) -> None:
    turned = orientation >= 5
    size = (SCALE * HEIGHT, SCALE * WIDTH) if turned else (SCALE * WIDTH, SCALE * HEIGHT)
    changed, lost = change_places(regions(area), Geometry((WIDTH, HEIGHT), orientation, size))
    assert lost == ()
    assert 'r:Name="Änne"' in changed.decode()
    found, unit = values(changed, "a"), values(changed, "a")["unit"]
    factors = (1, 1) if unit == "pixel" else size
    x, w = (float(found[name]) * factors[0] for name in "xw")
    y, h = (float(found[name]) * factors[1] for name in "yh")
    left, top, right, bottom = marked((8, 9, 12, 15), orientation)
    assert ((left + right) / 2, (top + bottom) / 2) == (pytest.approx(x), pytest.approx(y))
    wanted = (9.6, 8) if turned else (8, 9.6)
    assert (w, h) == (pytest.approx(wanted[0]), pytest.approx(wanted[1]))
    assert values(changed, "d") == {"w": str(size[0]), "h": str(size[1]), "unit": "pixel"}


def test_other_places_of_xmp() -> None:
    inside = (
        "<exif:SubjectArea><rdf:Seq><rdf:li>10</rdf:li><rdf:li>6</rdf:li><rdf:li>8</rdf:li><rdf:li>4</rdf:li></rdf:Seq>"
        "</exif:SubjectArea><p:CroppedAreaLeftPixels>7</p:CroppedAreaLeftPixels>"
        '<exif:FocalPlaneYResolution>30000/7</exif:FocalPlaneYResolution><rdf:li MP:Rectangle="0.1, 0.25, 0.2, 0.5"/>'
    )
    attributes = (
        'tiff:XResolution="300/1" tiff:YResolution="150/1" exif:FocalPlaneXResolution="40000/7" '
        'p:FullPanoWidthPixels="400" p:CroppedAreaImageHeightPixels="24"'
    )
    source = packet(inside, attributes)
    changed, lost = change_places(source, Geometry((WIDTH, HEIGHT), 6, (2 * HEIGHT, 4 * WIDTH)))
    assert lost == ()
    assert re.findall(r"<rdf:li>(\d+)", changed.decode()) == ["35", "42", "8", "32"]
    assert values(changed, "tiff") == {"XResolution": "150/1", "YResolution": "300/1"}
    sensor = values(changed, "exif")
    assert sensor["FocalPlaneXResolution"] == "60000/7"
    assert sensor["FocalPlaneYResolution"] == "160000/7"
    assert values(changed, "p") == {
        "FullPanoWidthPixels": "800",
        "CroppedAreaImageHeightPixels": "96",
        "CroppedAreaLeftPixels": "14",
    }
    assert values(changed, "MP") == {"Rectangle": "0.25, 0.1, 0.5, 0.2"}
    assert change_places(source, Geometry((9, 7), 1, (9, 7))) == (source, ())


@pytest.mark.parametrize(
    ("inside", "orientation", "lost"),
    [
        (regions('<r:Area a:x="left" a:y="1"/>'), 1, ("Area",)),
        (packet("<exif:SubjectArea>all</exif:SubjectArea><exif:Kept>1</exif:Kept>"), 1, ("SubjectArea",)),
        (packet('<i:ImageRegion><rdf:Bag><rdf:li i:rbUnit="relative"/></rdf:Bag></i:ImageRegion>'), 1, ()),
        (packet('<i:ImageRegion><rdf:Bag><rdf:li i:rbUnit="pixel"/></rdf:Bag></i:ImageRegion>'), 1, ("ImageRegion",)),
        (
            packet('<i:ImageRegion><rdf:Bag><rdf:li i:rbUnit="relative"/></rdf:Bag></i:ImageRegion>'),
            3,
            ("ImageRegion",),
        ),
    ],
)
def test_places_of_xmp_that_cannot_be_changed_are_removed_and_named(
    inside: bytes, orientation: int, lost: tuple[str, ...]
) -> None:
    changed, names = change_places(inside, Geometry((WIDTH, HEIGHT), orientation, (2 * WIDTH, 2 * HEIGHT)))
    assert names == lost
    for name in lost:
        assert f":{name}".encode() not in changed


def test_a_file_with_both(upscaler: Upscaler, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = b"Exif\0\0" + exif_with_places("<", 6, (10, 6))
    Image.new("RGB", (WIDTH, HEIGHT)).save(path, exif=exif, xmp=regions(ATTRIBUTES))
    result = Job(path, upscaler, tmp_path / "b.png", provenance=False).run()
    assert result.notes == ()
    with Image.open(result.destination) as image:
        text = image.info["XML:com.adobe.xmp"].encode()
    assert (values(text, "a")["x"], values(text, "a")["y"]) == ("0.5", "0.25")
    assert values(text, "d")["w"] == str(SCALE * HEIGHT)


IPTC = b"\x1c\x02\x05\0\x05title"


def exif_with_parts(*parts: tuple[int, bytes]) -> bytes:
    """A block whose main directory holds a maker and other parts as bytes."""
    table, rest = struct.pack("<H", 1 + len(parts)), b""
    behind = 8 + 2 + 12 * (1 + len(parts)) + 4
    for tag, value in ((271, b"Maker\0"), *parts):
        table += struct.pack("<HHII", tag, 2 if tag == 271 else 7, len(value), behind + len(rest))
        rest += value + b"\0" * (len(value) % 2)
    return b"Exif\0\0II*\0\x08\0\0\0" + table + bytes(4) + rest


@pytest.mark.parametrize("target", ["jpg", "png", "tif"])
def test_xmp_and_iptc_inside_exif_are_kept_as_such(upscaler: Upscaler, tmp_path: Path, target: str) -> None:
    exif = exif_with_parts((700, regions(ATTRIBUTES)), (33723, IPTC))
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "a.jpg", exif=exif)
    result = Job(tmp_path / "a.jpg", upscaler, tmp_path / f"b.{target}", provenance=False).run()
    assert result.notes == (("PNG holds no IPTC: it is not kept",) if target == "png" else ())
    data = result.destination.read_bytes()
    assert data.count(IPTC) == (target != "png")
    with Image.open(result.destination) as image:
        assert image.getexif()[271] == "Maker"
        found = image.info.get("xmp") or image.info["XML:com.adobe.xmp"].encode()
        assert values(found, "d") == {"w": str(SCALE * WIDTH), "h": str(SCALE * HEIGHT), "unit": "pixel"}
        assert target == "tif" or not {700, 33723} & image.getexif().keys()


def test_what_exif_holds_a_second_time_is_named(upscaler: Upscaler, tmp_path: Path) -> None:
    exif = exif_with_parts((700, regions(PIXELS)), (34675, b"a profile"))
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "a.jpg", exif=exif, xmp=regions(ATTRIBUTES))
    result = Job(tmp_path / "a.jpg", upscaler, tmp_path / "b.jpg", provenance=False).run()
    assert [note.partition(" is not")[0] for note in result.notes] == [
        "the XMP in EXIF (700)",
        "the colour profile in EXIF (34675)",
    ]
    assert b"a profile" not in result.destination.read_bytes()
