"""The formats of image files as data: what each holds, its limits, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subpixel.errors import InvalidArgument

__all__ = [
    "ALPHA_HINT",
    "DEPTH_HINT",
    "FORMATS",
    "WRITABLE",
    "Format",
    "check_pixels",
    "default_suffix",
    "format_by_signature",
    "format_of",
    "suffix_of",
]

# What can be done about pixels that a format cannot hold.
ALPHA_HINT = "background='white' lays transparent pixels on white"
DEPTH_HINT = "depth=8 rounds to 8 bits"

# Size of pixels in bytes from which a TIFF gets 64-bit offsets: 4 GiB less metadata and what deflate may add to noise.
_BIG = (1 << 32) - (1 << 26)
# Rows of a strip of a TIFF by libvips' default, and the bytes above which a strip has fewer. Many readers take 50 MB.
_ROWS_OF_STRIP, _STRIP = 128, 8 << 20


@dataclass(frozen=True)
class Format:
    """What a format holds, and how libvips writes it.

    Args:
        name: as people write it.
        suffixes: of its files, the usual one first.
        loaders: libvips' loaders for it.
        largest: largest width and height in pixels.
        dtypes: of its pixels.
        bits: bits of a sample, where they are fewer than the dtype has; else 0.
        gray: whether it has gray images. In other formats gray is written as RGB with equal channels.
        alpha: whether it has transparency.
        frames: whether it has animations.
        keeps: the metadata that it holds, of ``exif``, ``xmp``, ``iptc``, ``icc`` (colour profile) and ``resolution``.
        lossless: libvips' options for lossless files; None if there are none.
        lossy: libvips' options for lossy files besides the quality; None if all files are lossless.
        quality: the default quality.
        caveat: what the format always loses; empty if nothing.
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

    def options(self, lossy: bool, quality: int | None, size: int, row: int = 0) -> dict[str, Any]:
        """libvips' options for a file.

        Args:
            lossy: whether the source was lossy; a lossless copy of it would only be larger.
            quality: 1 … 100; None for the default.
            size: of the pixels, in bytes.
            row: of pixels, in bytes.
        """
        if self.lossy is not None and (quality is not None or lossy or self.lossless is None):
            return {**self.lossy, "Q": self.quality if quality is None else quality}
        options = dict(self.lossless or {})
        if self.name == "TIFF" and size >= _BIG:
            options["bigtiff"] = True
        if self.name == "TIFF" and row * _ROWS_OF_STRIP > _STRIP:
            options["tile_height"] = max(16, _STRIP // row // 16 * 16)
        return options


_ALL = frozenset({"exif", "xmp", "iptc", "icc", "resolution"})

FORMATS: tuple[Format, ...] = (
    # 95 without chroma subsampling: there its losses are about as small as the network's own. The format allows sides
    # of 65,535, libjpeg of 65,500.
    Format(
        "JPEG",
        (".jpg", ".jpeg"),
        ("jpegload", "uhdrload"),
        65_500,
        alpha=False,
        keeps=_ALL,
        lossy={"subsample_mode": "off"},
    ),
    # Level 3 with all filters gives half the size of libvips' default in the same time.
    Format(
        "PNG",
        (".png", ".apng"),
        ("pngload",),
        (1 << 31) - 1,
        dtypes=("uint8", "uint16"),
        frames=True,
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
    # Sides have 14 bits. "exact" keeps the colours of fully transparent pixels.
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
    # libvips writes sides up to 16,384, as most readers do. Without subsampling, as for JPEG. Always lossy: people
    # choose this format for its small files.
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
    # Duplicates are kept: they are frames with delays of their own.
    Format(
        "GIF",
        (".gif",),
        ("gifload",),
        65_535,
        gray=False,
        frames=True,
        keeps=frozenset({"xmp"}),
        lossless={"keep_duplicate_frames": True},
        caveat="GIF has 256 colours per frame and no partial transparency: colours were dithered",
    ),
)

# Formats by suffix, in lower case.
WRITABLE: dict[str, Format] = {suffix: form for form in FORMATS for suffix in form.suffixes}

# Formats that people may ask for and that the libvips of its Python package cannot write.
_NOT_WRITABLE: dict[str, tuple[str, ...]] = {
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

# Name, offset and first bytes of formats that the installed libvips may not read.
_SIGNATURES: tuple[tuple[str, int, bytes], ...] = (
    ("JPEG XL", 0, b"\xff\x0a"),
    ("JPEG XL", 0, b"\0\0\0\x0cJXL "),
    ("JPEG 2000", 0, b"\0\0\0\x0cjP  "),
    ("JPEG 2000", 0, b"\xff\x4f\xff\x51"),
    ("OpenEXR", 0, b"\x76\x2f\x31\x01"),
    ("PSD", 0, b"8BPS"),
    ("PDF", 0, b"%PDF"),
    ("FITS", 0, b"SIMPLE  ="),
    ("QOI", 0, b"qoif"),
    ("Radiance HDR", 0, b"#?R"),
    ("JPEG XR", 0, b"II\xbc"),
    ("MNG", 0, b"\x8aMNG"),
    ("JNG", 0, b"\x8bJNG"),
    ("XCF", 0, b"gimp xcf "),
    ("DjVu", 0, b"AT&TFORM"),
    ("EPS", 0, b"%!PS"),
    ("EPS", 0, b"\xc5\xd0\xd3\xc6"),
    ("WMF", 0, b"\xd7\xcd\xc6\x9a"),
    ("ICNS", 0, b"icns"),
    ("SGI", 0, b"\x01\xda\x00"),
    ("SGI", 0, b"\x01\xda\x01"),
    ("PCX", 0, b"\x0a\x05\x01"),
    ("BPG", 0, b"BPG\xfb"),
    ("FLIF", 0, b"FLIF"),
    ("KTX", 1, b"KTX "),
    ("DDS", 0, b"DDS "),
    ("ICO", 0, b"\0\0\x01\0"),
    ("HEIC", 4, b"ftyphei"),
    ("HEIC", 4, b"ftyphev"),
    ("HEIC", 4, b"ftypmif1"),
    ("HEIC", 4, b"ftypmsf1"),
    ("AVIF", 4, b"ftypavi"),
)


def format_of(path: Path) -> Format:
    """The format of a destination, by its suffix.

    Raises:
        InvalidArgument: it cannot be written; the message lists the suffixes that can.

    >>> format_of(Path("photo.JPG")).name
    'JPEG'
    """
    suffix = path.suffix.lower()
    if suffix in WRITABLE:
        return WRITABLE[suffix]
    wanted = next((name for name, suffixes in _NOT_WRITABLE.items() if suffix in suffixes), None)
    cannot = f"the installed libvips cannot write {wanted}; " if wanted else ""
    raise InvalidArgument(f"{path}: {cannot}the name of an image must end in {', '.join(WRITABLE)}")


def suffix_of(name: str) -> str:
    """The suffix of a format that is named as ``png``, ``.png`` or ``PNG``.

    Raises:
        InvalidArgument: it cannot be written.

    >>> suffix_of("jpeg"), suffix_of(".TIFF")
    ('.jpg', '.tif')
    """
    wanted = "." + name.lower().removeprefix(".")
    if wanted in WRITABLE:
        return wanted if wanted == ".apng" else WRITABLE[wanted].suffixes[0]  # who asks for it means the name too
    names = ", ".join(suffix[1:] for suffix in WRITABLE)
    known = next((f": the installed libvips cannot write {n}" for n, s in _NOT_WRITABLE.items() if wanted in s), "")
    raise InvalidArgument(f"format={name!r}{known}: one of {names} is needed")


def default_suffix(dtype: np.dtype[Any], loader: str = "", pages: int = 1, source_suffix: str = "") -> str:
    """The suffix of a result without a name: an animation keeps its format; else PNG, and TIFF for floating point.

    Args:
        dtype: of the pixels.
        loader: the libvips loader of the source.
        pages: the number of frames.
        source_suffix: of the source, which an animation keeps if it is one of its format's.
    """
    if pages > 1:
        suffixes = next((f.suffixes for f in FORMATS if f.frames and loader in f.loaders), (".webp",))
        return source_suffix.lower() if source_suffix.lower() in suffixes else suffixes[0]
    return ".tif" if dtype == np.float32 else ".png"


def check_pixels(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], pages: int = 1) -> None:
    """Check before any work that a destination's format can hold a result.

    Args:
        path: the destination.
        shape: ``(H, W, C)`` of a frame of the result.
        dtype: of its pixels.
        pages: the number of frames.

    Raises:
        InvalidArgument: it cannot; the message says which formats can.

    >>> check_pixels(Path("a.png"), (20000, 20000, 3), np.dtype(np.uint8))
    >>> check_pixels(Path("a.webp"), (20000, 20000, 3), np.dtype(np.uint8))
    Traceback (most recent call last):
    subpixel.errors.InvalidArgument: a.webp: WebP holds at most 16383×16383 pixels, the result has 20000×20000;
    jpg, png, tif can hold it
    """
    form = format_of(path)
    height, width, channels = shape
    alpha = channels in (2, 4)
    if dtype.name not in form.dtypes:
        supported = " or ".join(form.dtypes)
        _refuse(path, f"{form.name} holds {supported}, the image is {dtype}", shape, dtype, pages, DEPTH_HINT)
    if alpha and not form.alpha:
        _refuse(path, f"{form.name} has no transparency, the image does", shape, dtype, pages, ALPHA_HINT)
    if pages > 1 and not form.frames:
        # The format has animations, libvips' writer does not.
        lacks = (
            "the installed libvips writes no animated AVIF"
            if form.name == "AVIF"
            else f"{form.name} holds no animation"
        )
        _refuse(path, f"{lacks}, the image has {pages} frames", shape, dtype, pages)
    if max(height, width) > form.largest:
        most = f"{form.largest}×{form.largest}"
        text = f"{form.name} holds at most {most} pixels, the result has {width}×{height}"
        _refuse(path, text, shape, dtype, pages)


def format_by_signature(start: bytes) -> str | None:
    """The name of a format by a file's first bytes, if the installed libvips may not read it."""
    return next((name for name, at, mark in _SIGNATURES if start[at : at + len(mark)] == mark), None)


def _refuse(path: Path, why: str, shape: tuple[int, ...], dtype: np.dtype[Any], pages: int, hint: str = "") -> None:
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
    instead = f"; {', '.join(fitting)} can hold it" if fitting else ""
    raise InvalidArgument(f"{path}: {why}{instead}{f'; {hint}' if hint else ''}")
