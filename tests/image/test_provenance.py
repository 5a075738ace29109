"""The provenance of results, in XMP packets and in files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from image.packets import PACKET, PROVENANCE
from subpixel.image.files.provenance import Provenance, read_provenance
from subpixel.storage.digest import digest_of


@pytest.mark.parametrize("packet", [None, PACKET, PACKET + b"\0\0"], ids=["none", "an editor's", "padded"])
def test_it_is_read_back_and_changes_nothing_else(packet: bytes | None) -> None:
    result = PROVENANCE.add_to_packet(packet)
    assert result is not None
    assert Provenance.from_packet(result) == PROVENANCE
    if packet is not None:
        # One piece is inserted; all bytes before and after it stay.
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


def test_it_is_found_after_another_program_rewrote_the_packet() -> None:
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


def test_files_without_a_provenance(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_bytes(b"text")
    (tmp_path / "empty.png").touch()
    for name in ("none.png", "text.png", "empty.png", "."):
        assert read_provenance(tmp_path / name) is None


def test_the_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc" * 1000)
    assert digest_of(tmp_path / "a") == hashlib.sha256(b"abc" * 1000).hexdigest()
