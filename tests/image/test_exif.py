"""EXIF byte by byte: what no library knows is kept too, and maker's notes stay where they are."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from malformed.images import corrupted, truncated
from subpixel import Upscaler
from subpixel.image import Job
from subpixel.image.files.containers import png
from subpixel.image.files.containers.exif_changes import change_exif, maker_notes_are_bound
from subpixel.image.files.containers.exif_places import Geometry
from subpixel.image.files.exif_place import read_block, write_block
from subpixel.image.files.formats import format_of

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
BLOCKS = ["jpg", "png", "webp", "avif"]
EXIF, GPS, INTEROPERABILITY, MAKER = 34665, 34853, 40965, 37500
MAKER_NOTE = b"\x05\0" + bytes(range(1, 100))
# Tag: type and value. 316, 18246 and 285 are known to few; 59000 and 65000 to none.
Values = dict[int, tuple[int, bytes]]
MAIN: Values = {
    271: (2, b"Maker\0"),
    274: (3, b"\6"),
    282: (5, (300, 1)),  # type: ignore[dict-item]
    283: (5, (150, 1)),  # type: ignore[dict-item]
    285: (2, b"page two\0"),
    296: (3, b"\2"),
    316: (2, b"a computer\0"),
    18246: (3, b"\5"),
    59000: (7, b"nobody knows this"),
    65000: (2, b"abc\0"),
}
INNER: Values = {
    36864: (7, b"0232"),
    40962: (3, b"\6"),
    40963: (3, b"\x08"),
    42034: (2, b"a lens that is not known\0"),
    MAKER: (7, MAKER_NOTE),
    65001: (7, b"private private"),
}
PLACE: Values = {0: (1, b"\2\3\0\0"), 29: (2, b"2024:05:06\0"), 31: (2, b"unknown\0")}
OPERABLE: Values = {1: (2, b"R98\0"), 4096: (2, b"unknown too\0")}


def pack(order: str, kind: int, value: Any) -> tuple[int, bytes]:
    if kind == 5:
        return 1, struct.pack(order + "II", *value)
    if kind == 3:
        return 1, struct.pack(order + "H", value[0])
    return len(value), value


def directory(order: str, start: int, values: Values, below: dict[int, int], following: int = 0) -> bytes:
    """A directory at an offset with its values behind it."""
    tags = sorted({*values, *below})
    table, rest = struct.pack(order + "H", len(tags)), b""
    behind = start + 2 + 12 * len(tags) + 4
    for tag in tags:
        if tag in below:
            table += struct.pack(order + "HHII", tag, 4, 1, below[tag])
            continue
        kind, value = values[tag]
        count, packed = pack(order, kind, value)
        table += struct.pack(order + "HHI", tag, kind, count)
        if len(packed) <= 4:
            table += packed.ljust(4, b"\0")
        else:
            rest += b"\0" * (len(rest) % 2)
            table += struct.pack(order + "I", behind + len(rest))
            rest += packed
    return table + struct.pack(order + "I", following) + rest


def block(order: str, main: Values, *, preview: bytes = b"\xff\xd8small\xff\xd9" * 20) -> bytes:
    """All five directories; each at a place that is fixed, so that they may name each other."""
    places = {EXIF: 1000, GPS: 2000, INTEROPERABILITY: 2500}
    result = bytearray(3200)
    result[:8] = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    parts = {
        8: (main, {EXIF: 1000, GPS: 2000}, 3000),
        places[EXIF]: (INNER, {INTEROPERABILITY: 2500}, 0),
        places[GPS]: (PLACE, {}, 0),
        places[INTEROPERABILITY]: (OPERABLE, {}, 0),
    }
    for start, (values, below, following) in parts.items():
        content = directory(order, start, values, below, following)
        result[start : start + len(content)] = content
    small = struct.pack(order + "HHHII", 2, 513, 4, 1, 3100) + struct.pack(order + "HHIII", 514, 4, 1, len(preview), 0)
    result[3000 : 3000 + len(small)] = small
    return bytes(result[:3100]) + preview


def entries(data: bytes, order: str, start: int) -> dict[int, tuple[int, int, bytes]]:
    """Type, count and value of each entry, by a reader of this test's own."""
    found = {}
    (count,) = struct.unpack_from(order + "H", data, start)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, at)
        size = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1}[kind] * number
        place = at + 8 if size <= 4 else struct.unpack_from(order + "I", data, at + 8)[0]
        found[tag] = (kind, number, data[place : place + size])
    return found


def directories(data: bytes) -> tuple[str, dict[str, dict[int, tuple[int, int, bytes]]], int]:
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    found = {"main": entries(data, order, start)}
    for name, above, tag in (("exif", "main", EXIF), ("gps", "main", GPS), ("interoperability", "exif", 40965)):
        pointer = found[above].pop(tag)[2]
        found[name] = entries(data, order, struct.unpack(order + "I", pointer)[0])
    return order, found, struct.unpack_from(order + "I", data, start + 2 + 12 * count)[0]


def stored(path: Path) -> bytes:
    with open(path, "rb") as file:
        if path.suffix == ".tif":
            return file.read()
        found = read_block(file, format_of(path))
    assert found is not None
    return found


def save(path: Path, data: bytes) -> None:
    image, form = Image.fromarray(PIXELS), path.suffix[1:]
    if form == "png":
        image.save(path)
        png.insert_chunks(path, (png.chunk(b"eXIf", data),))
    elif form == "avif":
        with_place = pyvips.Image.new_from_array(PIXELS).copy(interpretation="srgb")
        with_place.set_type(pyvips.GValue.blob_type, "exif-data", b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
        with_place.write_to_file(str(path))
        write_block(path, format_of(path), data)
    else:
        image.save(path, exif=b"Exif\0\0" + data)


def plain(order: str, kind: int, value: bytes) -> bytes:
    """A value in little-endian order."""
    unit = {3: 2, 4: 4, 5: 4}.get(kind, 1)
    if order == "<" or unit == 1:
        return value
    return b"".join(value[k : k + unit][::-1] for k in range(0, len(value), unit))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("target", [*BLOCKS, "tif"])
@pytest.mark.parametrize("source", BLOCKS)
def test_every_entry_is_kept(upscaler: Upscaler, tmp_path: Path, source: str, target: str, order: str) -> None:
    data = block(order, MAIN)
    save(tmp_path / f"a.{source}", data)
    result = Job(tmp_path / f"a.{source}", upscaler, tmp_path / f"b.{target}", provenance=False).run()
    turned = source != "avif"  # where `irot` counts, and not EXIF's orientation
    width, height = (12, 16) if turned else (16, 12)
    assert result.size_out == (width, height)
    after = stored(result.destination)
    now, found, following = directories(after)
    _, expected, _ = directories(data)
    assert following == 0
    assert b"small" not in after
    changed = {256: width, 257: height, 274: 1, 40962: width, 40963: height}
    for name, wanted in expected.items():
        there = found[name]
        for tag, (kind, count, value) in wanted.items():
            if tag in (282, 283, 296) and target == "tif":
                continue
            if tag in (282, 283) and turned:
                kind, count, value = wanted[565 - tag]
            if tag in changed and name != "gps":
                if target != "tif" or name != "main":
                    number = plain(now, there[tag][0], there[tag][2])
                    assert int.from_bytes(number, "little") == changed[tag]
                continue
            assert (kind, count) == there[tag][:2], (name, tag)
            assert plain(order, kind, value) == plain(now, kind, there[tag][2]), (name, tag)
        assert target == "tif" or there.keys() == wanted.keys()
    if target == "tif":
        assert any("MakerNote" in note for note in result.notes)
    else:
        assert after.index(MAKER_NOTE) == data.index(MAKER_NOTE)
        assert result.notes == ()


@pytest.mark.parametrize("target", BLOCKS)
@pytest.mark.parametrize("source", ["jpg", "png"])
def test_a_resolution_that_exif_lacks_is_added(upscaler: Upscaler, tmp_path: Path, source: str, target: str) -> None:
    """It is stated by JFIF or pHYs. The main directory grows and goes to the end; nothing else moves."""
    data = block("<", {tag: value for tag, value in MAIN.items() if tag not in (274, 282, 283, 296)})
    path = tmp_path / f"a.{source}"
    Image.fromarray(PIXELS).save(path, dpi=(200, 100), **({"exif": b"Exif\0\0" + data} if source == "jpg" else {}))
    if source == "png":
        png.insert_chunks(path, (png.chunk(b"eXIf", data),))
    result = Job(path, upscaler, tmp_path / f"b.{target}", provenance=False).run()
    after = stored(result.destination)
    assert after.index(MAKER_NOTE) == data.index(MAKER_NOTE)
    _, found, _ = directories(after)
    across, down = (struct.unpack("<II", found["main"][tag][2]) for tag in (282, 283))
    assert (across[0] / across[1], down[0] / down[1]) == (pytest.approx(200, abs=0.02), pytest.approx(100, abs=0.02))
    assert found["main"][296] == (3, 1, b"\2\0")
    assert {285, 316, 18246, 59000, 65000} <= found["main"].keys()


def test_tags_of_a_tiff_that_exif_can_hold(upscaler: Upscaler, tmp_path: Path) -> None:
    tags = {269: "document", 285: "page", 316: "computer"}
    Image.fromarray(PIXELS).save(tmp_path / "a.tif", tiffinfo=tags)
    for target in (*BLOCKS, "tif"):
        result = Job(tmp_path / "a.tif", upscaler, tmp_path / f"b.{target}", provenance=False).run()
        assert result.notes == ()
        with Image.open(result.destination) as image:
            assert tags.items() <= dict(image.getexif()).items(), target


def test_maker_notes_that_begin_where_they_are_known_to_count_from_are_no_note() -> None:
    for start, bound in ((b"Nikon\0\2\x10\0\0", False), (b"Apple iOS\0\0\1MM", False), (b"\x1b\0\1\0", True)):
        data = block("<", MAIN)
        at = data.index(MAKER_NOTE)
        assert maker_notes_are_bound(data[:at] + start + data[at + len(start) :]) is bound
    assert not maker_notes_are_bound(None)
    assert not maker_notes_are_bound(b"II*\0")


@pytest.mark.parametrize("order", ["<", ">"])
def test_damaged_blocks_end_in_no_error(order: str) -> None:
    data = block(order, MAIN)
    for damaged in (*truncated(data), *corrupted(data, seed=5, count=500)):
        changed, _ = change_exif(damaged, Geometry((3, 30_000), 6, (70_000, 9)), (72.0, 72.0))
        assert change_exif(changed, Geometry((70_000, 9), 1, (70_000, 9)), None, (2, 1))
    assert change_exif(b"no block", Geometry((1, 1), 1, (1, 1)), None) == (b"no block", ())


def test_a_large_size_gets_32_bits() -> None:
    _, found, _ = directories(change_exif(block("<", MAIN), Geometry((35_000, 9), 1, (70_000, 9)), None)[0])
    assert found["exif"][40962] == (4, 1, struct.pack("<I", 70_000))
