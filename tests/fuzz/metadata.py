"""Harnesses of EXIF blocks, XMP packets and colour profiles."""

from __future__ import annotations

from functools import lru_cache
from xml.etree import ElementTree

from fuzz.harness import Harness
from malformed.originals import _XMP, _exif, _profile
from subpixel.image.files import xmp
from subpixel.image.files.containers.exif_block import entries_of
from subpixel.image.files.containers.exif_changes import change_exif, maker_notes_are_bound, pixel_aspect, take_values
from subpixel.image.files.containers.exif_places import Geometry
from subpixel.image.files.icc import SRGB, build_profile
from subpixel.image.files.icc_check import check_profile
from subpixel.image.files.xmp_places import change_places

__all__ = ["HARNESSES"]

_GEOMETRIES = (
    Geometry((19, 13), 1, (38, 26)),
    Geometry((19, 13), 6, (26, 38)),
    Geometry((19, 13), 3, (38, 26), known=False),
    Geometry((19, 13), 1, (19, 13)),
)
_TIFF = "http://ns.adobe.com/tiff/1.0/"


def check_exif(content: bytes) -> None:
    """An EXIF block for a result: it can be read, and what changes lies in its directories."""
    entries_of(content)
    pixel_aspect(content)
    maker_notes_are_bound(content)
    rest, taken = take_values(content, {700, 33723})
    assert len(rest) == len(content)
    if taken:
        assert not {(0, tag) for tag in taken} & entries_of(rest)
    else:
        assert rest == content
    for geometry in _GEOMETRIES:
        for density, aspect in (((72.0, 72.0), None), (None, None), (None, (2, 1))):
            changed, lost = change_exif(content, geometry, density, aspect)
            assert len(changed) <= len(content) + 100 + 12 * 65536
            assert len(lost) <= 2 * 65536


def check_xmp(content: bytes) -> None:
    """A packet stays XML, whatever is changed; what is added can be read; what is not XML is left alone."""
    properties = xmp.read_properties(content)
    values = {"Model": 'fast & "sharp" <1>', "Scale": "2"}
    added = xmp.add_properties(content, values)
    if properties is None:
        assert added is None
        assert xmp.change_properties(content, {_TIFF: {"Orientation": "1"}}) is None
        assert xmp.remove_properties(content, {_TIFF: ("*",)}) is None
        return
    if added is not None:
        found = xmp.read_properties(added) or {}
        assert {name: found.get(name) for name in values} == values
        assert xmp.add_properties(added, values) is not None
        _parsed(added)
    changed = xmp.change_properties(content, {_TIFF: {"Orientation": "1"}})
    if changed is not None:
        _parsed(changed)
        for geometry in _GEOMETRIES:
            moved, _ = change_places(changed, geometry)
            _parsed(moved)
    removed = xmp.remove_properties(content, {_TIFF: ("Orientation",), xmp.NAMESPACE: ("*",)})
    if removed is not None:
        _parsed(removed)


def _parsed(packet: bytes) -> None:
    ElementTree.fromstring(packet.decode().strip("\0\ufeff \t\r\n").encode())


def check_icc(content: bytes) -> None:
    """A profile is usable or not, by a sentence."""
    for as_png in (False, True):
        profile, problem = check_profile(content, as_png)
        assert (profile is None) == bool(problem)
        assert "\n" not in problem
        if profile is not None:
            assert content.startswith(profile)
            assert check_profile(profile, as_png) == (profile, "")


@lru_cache(1)
def exif_blocks() -> dict[str, bytes]:
    """EXIF blocks by name."""
    plain = _exif()
    preview = b"II*\0\x08\0\0\0" + b"\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\x1a\0\0\0"
    preview += b"\2\0\1\2\4\0\1\0\0\0\x38\0\0\0\2\2\4\0\1\0\0\0\4\0\0\0\0\0\0\0" + b"\xff\xd8\xff\xd9"
    return {"plain": plain, "bare": plain.removeprefix(b"Exif\0\0"), "preview": preview}


def _packets() -> dict[str, bytes]:
    regions = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" '
        b'tiff:XResolution="72/1" tiff:YResolution="96/1" '
        b'xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:FocalPlaneXResolution="72/1" '
        b'xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/" '
        b'xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#" '
        b'xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" '
        b'xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#" '
        b'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" GPano:FullPanoWidthPixels="4000">'
        b"<exif:SubjectArea><rdf:Seq><rdf:li>3</rdf:li><rdf:li>4</rdf:li></rdf:Seq></exif:SubjectArea>"
        b'<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:AppliedToDimensions stDim:w="19" stDim:h="13" '
        b'stDim:unit="pixel"/><mwg-rs:RegionList><rdf:Bag><rdf:li rdf:parseType="Resource"><mwg-rs:Area '
        b'stArea:x="0.5" stArea:y="0.25" stArea:w="0.1" stArea:h="0.2" stArea:unit="normalized"/></rdf:li></rdf:Bag>'
        b"</mwg-rs:RegionList></mwg-rs:Regions><MPReg:Rectangle>0.1, 0.2, 0.3, 0.4</MPReg:Rectangle>"
        b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    utf16 = '<d xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6">ü</d>'.encode("utf-16")
    added = xmp.add_properties(_XMP, {"Model": "fast"}) or b""
    return {"plain": _XMP, "regions": regions, "utf-16": utf16, "ours": added}


def _profiles() -> dict[str, bytes]:
    return {"built": build_profile(SRGB), "gray": build_profile(SRGB, gray=True), "other": _profile()}


HARNESSES = (
    Harness("exif", check_exif, exif_blocks),
    Harness("xmp", check_xmp, _packets),
    Harness("icc", check_icc, _profiles),
)
