"""XMP packets edited in place, and the provenance in them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from subpixel.image.files.provenance import Provenance, read_provenance
from subpixel.image.files.xmp import add_properties, change_properties, read_properties, remove_properties
from subpixel.storage.digest import digest_of

TIFF, EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"
PROVENANCE = Provenance("fast", "2.5", "0.1.0", "0123456789abcdef" * 4, "precision=int8 a<b&\"c\"='d'")

# As cameras and editors write it: attributes, elements, another program's structure, padding.
PACKET = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Some Editor 1.0">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="uuid:1234"
    xmlns:tiff="{TIFF}" xmlns:e='{EXIF}' xmlns:dc="http://purl.org/dc/elements/1.1/"
    tiff:Orientation="6" tiff:Make="Ä &amp; Co">
   <e:PixelXDimension>36</e:PixelXDimension>
   <dc:creator><rdf:Seq><rdf:li>图片</rdf:li></rdf:Seq></dc:creator>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>{" " * 40}
<?xpacket end="w"?>""".encode()


@pytest.mark.parametrize("packet", [None, PACKET, PACKET + b"\0\0"], ids=["none", "an editor's", "padded"])
def test_it_comes_back_and_harms_nothing(packet: bytes | None) -> None:
    result = PROVENANCE.add_to_packet(packet)
    assert result is not None
    assert Provenance.from_packet(result) == PROVENANCE
    if packet is not None:
        # One piece was put in, all bytes before and after it are as they were.
        start = next(k for k, (a, b) in enumerate(zip(packet, result, strict=False)) if a != b)
        rest = len(packet) - start
        assert result.endswith(packet[len(packet) - rest :])
        assert b'rdf:about="uuid:1234" xmlns:subpixel' in result


def test_a_second_time_replaces_the_first() -> None:
    once = PROVENANCE.add_to_packet(PACKET)
    assert once is not None
    other = Provenance("balanced", "4", "0.2.0", "f" * 64)
    twice = other.add_to_packet(once)
    assert twice is not None
    assert Provenance.from_packet(twice) == other
    assert twice == other.add_to_packet(PACKET)
    assert twice.count(b"subpixel:Model") == 1


def test_it_is_found_however_another_program_wrote_it() -> None:
    result = PROVENANCE.add_to_packet(PACKET)
    assert result is not None
    rewritten = ElementTree.tostring(ElementTree.fromstring(result.decode().strip("\ufeff").encode()))  # ns0, ns1 …
    assert b"subpixel:Model" not in rewritten
    assert Provenance.from_packet(rewritten) == PROVENANCE
    as_elements = b'<a xmlns:s="urn:subpixel:provenance:1#">' + b"".join(
        f"<s:{name}>{value}</s:{name}>".encode()
        for name, value in (("Model", "m"), ("Scale", "2"), ("Version", "1"), ("Source", "0"), ("Settings", ""))
    )
    assert Provenance.from_packet(as_elements + b"</a>") == Provenance("m", "2", "1", "0", "")
    assert Provenance.from_packet(as_elements.replace(b"Model", b"Mdl") + b"</a>") is None
    replaced = PROVENANCE.add_to_packet(as_elements + b"</a>")
    assert replaced is not None
    assert Provenance.from_packet(replaced) == PROVENANCE


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0",
        b"no XML",
        b"<a>",
        b"<a></b>",
        "<a/>".encode("utf-16"),
        b"\xff\xfe<a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    ],
)
def test_what_cannot_be_parsed_is_left_to_the_caller(packet: bytes) -> None:
    assert PROVENANCE.add_to_packet(packet) is None
    assert Provenance.from_packet(packet) is None
    assert read_properties(packet) is None
    assert change_properties(packet, {TIFF: {"Orientation": "1"}}) is None
    assert remove_properties(packet, {TIFF: ("Orientation",)}) is None


@pytest.mark.parametrize("packet", [b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>kept</note></x:xmpmeta>', b"<a></a>"])
def test_a_packet_without_properties_gets_room_for_them(packet: bytes) -> None:
    result = PROVENANCE.add_to_packet(packet)
    assert result is not None
    assert Provenance.from_packet(result) == PROVENANCE
    assert result.startswith(packet[: packet.rfind(b"</")])


def test_values_are_changed_in_their_place() -> None:
    values = {TIFF: {"Orientation": "1", "ImageWidth": "72"}, EXIF: {"PixelXDimension": "72"}}
    result = change_properties(PACKET, values)
    expected = PACKET.replace(b'Orientation="6"', b'Orientation="1"').replace(b">36<", b">72<")
    assert result == expected


def test_properties_are_taken_out_whole() -> None:
    result = remove_properties(PACKET, {"http://purl.org/dc/elements/1.1/": ("creator",), TIFF: ("*",)})
    assert result is not None
    assert "图片" not in result.decode()
    assert read_properties(result, TIFF) == {}
    assert read_properties(result, EXIF) == {"PixelXDimension": "36"}
    assert add_properties(result, {}) is not None


def test_files_that_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_bytes(b"text")
    (tmp_path / "empty.png").touch()
    for name in ("none.png", "text.png", "empty.png", "."):
        assert read_provenance(tmp_path / name) is None


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 1000)
    assert digest_of(tmp_path / "a") == hashlib.sha256(b"abc" * 1000).hexdigest()
