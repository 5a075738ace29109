"""Files of some kilobytes whose tables, taken at their word, once took minutes, gigabytes or all of the stack."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from fuzz.test_harnesses import READER
from image.heif_files import box, full_box
from malformed.fuzzing import fuzz
from malformed.images import png_chunk
from malformed.originals import image_files

_AVIF = box(b"ftyp", b"avif\0\0\0\0avifmif1")
_OURS = 'xmlns:s="urn:subpixel:provenance:1#"'
_RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'


def directories(count: int, offsets: int) -> bytes:
    """A TIFF whose directories all point to the same list of strips and of further directories."""
    size = 54
    end = 8 + count * size
    parts = [b"II*\0" + struct.pack("<I", 8)]
    for number in range(1, count + 1):
        following = 8 + number * size if number < count else 0
        sides = struct.pack("<HHIIHHII", 256, 4, 1, 8, 257, 4, 1, 8)
        tables = struct.pack("<HHIIHHII", 273, 4, offsets, end, 330, 4, offsets, end)
        parts.append(struct.pack("<H", 4) + sides + tables + struct.pack("<I", following))
    return b"".join(parts) + bytes(4 * offsets)


def pieces(count: int) -> bytes:
    """An AVIF whose items have 65,535 pieces each, of no bytes in the table."""
    table = b"\0\0" + struct.pack(">H", count) + b"".join(struct.pack(">HHH", n, 0, 65535) for n in range(count))
    items = full_box(b"pitm", b"\0\1") + full_box(b"iloc", table)
    return _AVIF + full_box(b"meta", items)


def tracks(count: int) -> bytes:
    """An image sequence whose tracks have a million frames each."""
    times = box(b"stts", struct.pack(">IIII", 0, 1, 1_000_000, 1))
    table = box(b"stbl", times + box(b"stsz", struct.pack(">III", 0, 0, 1_000_000)))
    media = box(b"mdia", box(b"hdlr", bytes(8) + b"pict" + bytes(12)) + box(b"minf", table))
    return _AVIF + box(b"moov", box(b"trak", box(b"tkhd", bytes(92)) + media) * count)


def raw_profiles(count: int) -> bytes:
    """A PNG with texts that are no profiles, of 16 MB each."""
    text = zlib.compress(b"\niptc\n 5\n" + b"zz" * 8_000_000, 9)
    plain = image_files()["rgba.png"]
    return plain[:33] + png_chunk(b"zTXt", b"Raw profile type iptc\0\0" + text) * count + plain[33:]


def exif(count: int, entries: int) -> bytes:
    """EXIF with a preview, whose directories lie below one another, each by some entries."""
    size = 2 + 12 * entries + 4
    parts = [b"II*\0\x08\0\0\0"]
    for number in range(count):
        below = 8 + (number + 1) * size
        entry = struct.pack("<HHII", 34665, 4, 1, below)
        parts.append(struct.pack("<H", entries) + entry * entries + struct.pack("<I", below if number == 0 else 0))
    return b"".join([*parts, bytes(6)])


BOMBS = {
    "tiff--directories": directories(300, 1 << 20),
    "heif--pieces": pieces(4000),
    "heif--tracks": tracks(2000),
    "png--raw_profiles": raw_profiles(200),
    "exif--twice": exif(60, 2),
    "exif--deep": exif(3000, 1),
    "xmp--begun_in_cdata": f"<r {_OURS}><![CDATA[{'<s:a>' * 60_000}]]></r>".encode(),
    "xmp--spaces": f"<r {_OURS}>{' ' * 300_000}x</r>".encode(),
    "xmp--prefixes": b"<r " + b" ".join(b"xmlns:p%d='urn:subpixel:provenance:1#'" % n for n in range(20_000)) + b"/>",
    "xmp--nested": f"<r {_RDF}>{'<rdf:Description>' * 3000}{'</rdf:Description>' * 3000}</r>".encode(),
    "xmp--declaration": f"<?xml{' ' * 300_000}version='1.0'?><r/>".encode("utf-16"),
}


def test_small_bombs(tmp_path: Path) -> None:
    outcome = fuzz(
        tmp_path, READER, BOMBS, range(len(BOMBS)), change="malformed.fuzzing:unchanged", seconds=60, first=[]
    )
    assert not outcome.findings, f"{list(BOMBS)}\n" + "\n\n".join(outcome.findings)
    assert outcome.accepted == len(BOMBS)
