"""XMP packets edited in place: only the edited bytes change."""

from __future__ import annotations

import pytest

from image.packets import EXIF, PACKET, PROVENANCE, TIFF
from subpixel.image.files.provenance import Provenance
from subpixel.image.files.xmp import add_properties, change_properties, read_properties, remove_properties


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0",
        b"no XML",
        b"<a>",
        b"<a></b>",
        "<a>".encode("utf-16"),
        b"\xff\xfe<a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    ],
)
def test_what_cannot_be_parsed_is_none(packet: bytes) -> None:
    assert PROVENANCE.add_to_packet(packet) is None
    assert Provenance.from_packet(packet) is None
    assert read_properties(packet) is None
    assert change_properties(packet, {TIFF: {"Orientation": "1"}}) is None
    assert remove_properties(packet, {TIFF: ("Orientation",)}) is None


@pytest.mark.parametrize("packet", [b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>kept</note></x:xmpmeta>', b"<a></a>"])
def test_properties_are_added_to_a_packet_without_any(packet: bytes) -> None:
    result = PROVENANCE.add_to_packet(packet)
    assert result is not None
    assert Provenance.from_packet(result) == PROVENANCE
    assert result.startswith(packet[: packet.rfind(b"</")])


def test_values_are_changed_in_place() -> None:
    values = {TIFF: {"Orientation": "1", "ImageWidth": "72"}, EXIF: {"PixelXDimension": "72"}}
    result = change_properties(PACKET, values)
    expected = PACKET.replace(b'Orientation="6"', b'Orientation="1"').replace(b">36<", b">72<")
    assert result == expected


@pytest.mark.parametrize("code", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_packet_in_utf_16_becomes_one_in_utf_8(code: str) -> None:
    declaration = "<?xml version='1.0' encoding='UTF-16'?>"
    text = PACKET.decode().replace('"6"', '"1"')
    packet = (declaration + PACKET.decode()).encode(code)
    result = change_properties(packet, {TIFF: {"Orientation": "1"}})
    assert result == ("<?xml version='1.0'?>" + text).encode()


def test_properties_are_removed_completely() -> None:
    result = remove_properties(PACKET, {"http://purl.org/dc/elements/1.1/": ("creator",), TIFF: ("*",)})
    assert result is not None
    assert "图片" not in result.decode()
    assert read_properties(result, TIFF) == {}
    assert read_properties(result, EXIF) == {"PixelXDimension": "36"}
    assert add_properties(result, {}) is not None
