"""Camera raw formats, by their content. Most are TIFFs whose first image is a small preview of a photograph.

What a raw file shows depends on how it is developed, so there is nothing to upscale before that.

Sources: Adobe, "Digital Negative Specification" 1.7.1 (DNGVersion, CFA, LinearRaw); ISO 12234-2 (TIFF/EP) for CFA;
the signatures of the others are those that libmagic lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from subpixel.image.files.containers.tiff_directory import Directory

__all__ = ["raw_by_directories", "raw_by_signature"]

# The name of a format, the offset of its mark and the mark.
_SIGNATURES: tuple[tuple[str, int, bytes], ...] = (
    ("Canon CR2", 8, b"CR\x02"),
    ("Canon CR3", 4, b"ftypcrx"),
    ("Canon CRW", 6, b"HEAPCCDR"),
    *(("Olympus ORF", 0, mark) for mark in (b"IIRO", b"IIRS", b"MMOR")),
    ("Panasonic RW2", 0, b"IIU\0"),
    ("Phase One IIQ", 8, b"IIII"),
    ("Phase One IIQ", 8, b"MMMMRaw"),
    ("Fujifilm RAF", 0, b"FUJIFILMCCD-RAW"),
    ("Sigma X3F", 0, b"FOVb"),
    ("Minolta MRW", 0, b"\0MRM"),
    ("ARRIRAW", 0, b"ARRI\x12\x34\x56\x78"),
)
# The first word of a maker's name in capitals, and what its raw files are called.
_BY_MAKER = {
    "NIKON": "Nikon NEF",
    "CANON": "Canon raw",
    "SONY": "Sony ARW",
    "PENTAX": "Pentax PEF",
    "RICOH": "Pentax PEF",
    "SAMSUNG": "Samsung SRW",
    "HASSELBLAD": "Hasselblad 3FR",
    "PHASE": "Phase One IIQ",
    "LEAF": "Leaf MOS",
    "MAMIYA": "Mamiya MEF",
    "SEIKO": "Epson ERF",
    "EPSON": "Epson ERF",
    "EASTMAN": "Kodak DCR",
    "KODAK": "Kodak DCR",
    "LEICA": "Leica raw",
    "PANASONIC": "Panasonic RW2",
    "OLYMPUS": "Olympus ORF",
}

_COMPRESSION, _PHOTOMETRIC, _MAKE, _LEAF, _DNG_VERSION = 259, 262, 271, 34310, 50706
_CFA, _LINEAR_RAW = 32803, 34892
_LONGEST = 1024  # bytes of a maker's name: a file may have thousands of directories
# Compressions that only raw formats use: Sony, Nikon, Samsung (two), Kodak (two) and Pentax.
_COMPRESSIONS = (32767, 32769, 32770, 32772, 34713, 65000, 65535)


def raw_by_signature(start: bytes) -> str | None:
    """The name of a raw format by a file's first bytes, at least 32 of them; None if it is none.

    >>> raw_by_signature(b"II*\\0\\x10\\0\\0\\0CR\\2\\0")
    'Canon CR2'
    """
    for name, at, mark in _SIGNATURES:
        if start[at : at + len(mark)] == mark and (at != 8 or start[:4] in (b"II*\0", b"MM\0*")):
            return name
    return None


def raw_by_directories(file: BinaryIO, directories: Iterable[Directory]) -> str | None:
    """The name of a raw format by all directories of a TIFF, the first one first; None if it is none.

    Raises:
        OSError: the file cannot be read.
    """
    maker, found = "", False
    for directory in directories:
        if _DNG_VERSION in directory.entries:
            return "DNG"
        if _LEAF in directory.entries:
            return "Leaf MOS"
        maker = maker or directory.text(file, _MAKE, _LONGEST)
        found = found or directory.integer(file, _PHOTOMETRIC) in (_CFA, _LINEAR_RAW)
        found = found or directory.integer(file, _COMPRESSION) in _COMPRESSIONS
    if not found:
        return None
    return _BY_MAKER.get(maker.upper().partition(" ")[0], f"of {maker}" if maker else "of unknown maker")
