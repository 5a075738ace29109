"""The formats of image files, as data: what each holds, what limits it, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument

__all__ = [
    "FORMATS",
    "WRITABLE",
    "Format",
    "check_pixels",
    "default_suffix",
    "format_of",
    "known_by_bytes",
    "suffix_of",
]

# Bytes from which a TIFF is written with offsets of 64 bits: 4 GiB, less what deflate may add to noise, and metadata.
_BIG = (1 << 32) - (1 << 26)


@dataclass(frozen=True)
class Format:
    """What a format holds.

    Args:
        name: as people write it.
        suffixes: of its files, the usual one first.
        loaders: names that libvips reads it by.
        largest: of width and height each, in pixels.
        dtypes: of its pixels; what holds 12 bits at most is said by ``bits``.
        bits: of a sample, where that is less than its dtype has; 0 where it is not.
        gray: it knows gray images; else they are written as colours whose parts are equal.
        alpha: it knows transparency.
        frames: it knows animations.
        keeps: of ``exif``, ``xmp``, ``iptc``, ``icc`` (the colour profile) and ``resolution``, what it holds.
        lossless: libvips' options to write it without loss; None where that cannot be.
        lossy: its options besides the quality; None where all is lossless.
        quality: what is written when nothing was said.
        caveat: what is lost by the format itself, whatever is written; empty where nothing is.
    """

    name: str
    suffixes: tuple[str, ...]
    loaders: tuple[str, ...]
    largest: int
    dtypes: tuple[str, ...] = ("uint8",)
    bits: int = 0
    gray: bool = True
    alpha: bool = True
    frames: bool = False
    keeps: frozenset[str] = frozenset()
    lossless: Mapping[str, Any] | None = None
    lossy: Mapping[str, Any] | None = None
    quality: int = 95
    caveat: str = ""

    def options(self, lossy: bool, quality: int | None, size: int) -> dict[str, Any]:
        """How libvips writes it.

        Args:
            lossy: the source was compressed with loss, so that a lossless copy keeps its losses only.
            quality: 1 … 100; None for what is usual.
            size: of the pixels, in bytes.
        """
        if self.lossy is not None and (quality is not None or lossy or self.lossless is None):
            return {**self.lossy, "Q": self.quality if quality is None else quality}
        options = dict(self.lossless or {})
        if self.name == "TIFF" and size >= _BIG:
            options["bigtiff"] = True
        return options


_ALL = frozenset({"exif", "xmp", "iptc", "icc", "resolution"})

FORMATS: tuple[Format, ...] = (
    # 95 without chroma subsampling: there its losses begin to hide below the network's own. The format counts sides up
    # to 65,535; libjpeg stops 35 short of that.
    Format(
        "JPEG",
        (".jpg", ".jpeg"),
        ("jpegload", "uhdrload"),
        65_500,
        alpha=False,
        keeps=_ALL,
        lossy={"subsample_mode": "off"},
    ),
    # Level 3 with every filter tried is half as large as libvips' default in equal time.
    Format(
        "PNG",
        (".png",),
        ("pngload",),
        (1 << 31) - 1,
        dtypes=("uint8", "uint16"),
        keeps=_ALL - {"iptc"},
        lossless={"compression": 3, "filter": "all"},
    ),
    Format(
        "TIFF",
        (".tif", ".tiff"),
        ("tiffload",),
        (1 << 31) - 1,
        dtypes=("uint8", "uint16", "float32"),
        keeps=_ALL,
        lossless={"compression": "deflate", "predictor": "horizontal"},
    ),
    # Sides have 14 bits. Exact: colours below full transparency are kept.
    Format(
        "WebP",
        (".webp",),
        ("webpload",),
        16_383,
        gray=False,
        frames=True,
        keeps=_ALL - {"iptc"},
        lossless={"lossless": True, "exact": True},
        lossy={"smart_subsample": True},
    ),
    # libvips writes up to 16,384, what most readers take. Without subsampling for JPEG's reason; never lossless unless
    # that was meant: who chooses this format chooses its small files.
    Format(
        "AVIF",
        (".avif",),
        ("heifload",),
        16_384,
        dtypes=("uint8", "uint16"),
        bits=12,
        gray=False,
        keeps=_ALL - {"iptc"},
        lossy={"compression": "av1", "subsample_mode": "off"},
    ),
    # Duplicates are kept: they are frames, with delays of their own.
    Format(
        "GIF",
        (".gif",),
        ("gifload",),
        65_535,
        gray=False,
        frames=True,
        keeps=frozenset({"xmp"}),
        lossless={"keep_duplicate_frames": True},
        caveat="GIF has 256 colours a frame, and each pixel is opaque or transparent: colours were dithered to that",
    ),
)

# By suffix, in lower case.
WRITABLE: dict[str, Format] = {suffix: form for form in FORMATS for suffix in form.suffixes}

# What people may ask for or come with and libvips, as its package for Python is built, has no writer or reader for.
_UNKNOWN: dict[str, tuple[str, ...]] = {
    "HEIC": (".heic", ".heif"),
    "JPEG XL": (".jxl",),
    "JPEG 2000": (".jp2", ".j2k", ".jpf"),
    "BMP": (".bmp", ".dib"),
    "PNM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "OpenEXR": (".exr",),
    "PSD": (".psd",),
    "SVG": (".svg",),
    "PDF": (".pdf",),
}

# The first bytes of files that may not be readable, to say what they are.
_SIGNATURES: tuple[tuple[str, int, bytes], ...] = (
    ("BMP", 0, b"BM"),
    ("JPEG XL", 0, b"\xff\x0a"),
    ("JPEG XL", 0, b"\0\0\0\x0cJXL "),
    ("JPEG 2000", 0, b"\0\0\0\x0cjP  "),
    ("JPEG 2000", 0, b"\xff\x4f\xff\x51"),
    ("OpenEXR", 0, b"\x76\x2f\x31\x01"),
    ("PSD", 0, b"8BPS"),
    ("PDF", 0, b"%PDF"),
    ("FITS", 0, b"SIMPLE  ="),
    ("QOI", 0, b"qoif"),
    ("Radiance HDR", 0, b"#?RADIANCE"),
    ("DDS", 0, b"DDS "),
    ("ICO", 0, b"\0\0\x01\0"),
    ("HEIC", 4, b"ftyphei"),
    ("HEIC", 4, b"ftyphev"),
    ("HEIC", 4, b"ftypmif1"),
    ("HEIC", 4, b"ftypmsf1"),
    ("CR3, a camera's raw format", 4, b"ftypcrx"),
    ("RAF, a camera's raw format", 0, b"FUJIFILMCCD-RAW"),
    *(("PNM", 0, b"P" + kind + end) for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"7") for end in (b"\n", b" ")),
)


def format_of(path: Path) -> Format:
    """The format that a name's ending chooses.

    Raises:
        InvalidArgument: none that can be written; the text names those that can.

    >>> format_of(Path("photo.JPG")).name
    'JPEG'
    """
    suffix = path.suffix.lower()
    if suffix in WRITABLE:
        return WRITABLE[suffix]
    asked = next((name for name, suffixes in _UNKNOWN.items() if suffix in suffixes), None)
    cannot = f"the installed libvips cannot write {asked}; " if asked else ""
    raise InvalidArgument(f"{path}: {cannot}a name ending in {', '.join(WRITABLE)} is needed to write an image")


def suffix_of(name: str) -> str:
    """The ending of files of a format that people name as ``png``, ``.png`` or ``PNG``.

    Raises:
        InvalidArgument: none that can be written.

    >>> suffix_of("jpeg"), suffix_of(".TIFF")
    ('.jpg', '.tif')
    """
    asked = "." + name.lower().removeprefix(".")
    if asked in WRITABLE:
        return WRITABLE[asked].suffixes[0]
    names = ", ".join(suffix[1:] for suffix in WRITABLE)
    known = next((f": the installed libvips cannot write {n}" for n, s in _UNKNOWN.items() if asked in s), "")
    raise InvalidArgument(f"format {name!r}{known}: one of {names} is needed")


def default_suffix(dtype: np.dtype[Any], loader: str = "", pages: int = 1) -> str:
    """The format of a result when nothing was said: an animation keeps its own; else PNG, and TIFF for floating point.

    Args:
        dtype: of the pixels.
        loader: by which libvips read the source.
        pages: frames of an animation.
    """
    if pages > 1:
        return next((f.suffixes[0] for f in FORMATS if f.frames and loader in f.loaders), ".webp")
    return ".tif" if dtype == np.float32 else ".png"


def check_pixels(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], pages: int = 1) -> None:
    """Whether the format that a destination's name chooses can hold an image; asked before any work.

    Args:
        path: the destination.
        shape: ``(H, W, C)`` of the result, of one frame of an animation.
        dtype: of its pixels.
        pages: frames.

    Raises:
        InvalidArgument: it cannot; the text says what would.

    >>> check_pixels(Path("a.png"), (20000, 20000, 3), np.dtype(np.uint8))
    >>> check_pixels(Path("a.webp"), (20000, 20000, 3), np.dtype(np.uint8))
    Traceback (most recent call last):
    subpixel.errors.InvalidArgument: a.webp: WebP holds at most 16383×16383 pixels, the result has 20000×20000; jpg,
    png, tif would hold it
    """
    form = format_of(path)
    height, width, channels = shape
    alpha = channels in (2, 4)
    if dtype.name not in form.dtypes:
        held = " or ".join(form.dtypes)
        _refuse(path, form, f"{form.name} holds {held}, the image is {dtype}", shape, dtype, pages)
    if alpha and not form.alpha:
        _refuse(path, form, f"{form.name} has no transparency, the image has", shape, dtype, pages)
    if pages > 1 and not form.frames:
        _refuse(path, form, f"{form.name} holds no animation, the image has {pages} frames", shape, dtype, pages)
    if max(height, width) > form.largest:
        most = f"{form.largest}×{form.largest}"
        text = f"{form.name} holds at most {most} pixels, the result has {width}×{height}"
        _refuse(path, form, text, shape, dtype, pages)


def known_by_bytes(start: bytes) -> str | None:
    """The name of a format by a file's first bytes, if it is one that libvips may lack."""
    return next((name for name, at, mark in _SIGNATURES if start[at : at + len(mark)] == mark), None)


def _refuse(path: Path, form: Format, why: str, shape: tuple[int, ...], dtype: np.dtype[Any], pages: int) -> None:
    height, width, channels = shape
    fitting = [
        other.suffixes[0][1:]
        for other in FORMATS
        if dtype.name in other.dtypes
        and not other.bits * (dtype == np.uint16)
        and (other.alpha or channels not in (2, 4))
        and (other.frames or pages == 1)
        and max(height, width) <= other.largest
        and not other.caveat
    ]
    instead = f"; {', '.join(fitting)} would hold it" if fitting else ""
    raise InvalidArgument(f"{path}: {why}{instead}")
