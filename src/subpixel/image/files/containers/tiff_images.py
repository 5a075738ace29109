"""The images in a TIFF: which of them is upscaled, what the others are, and whether the pixels can be read.

The first directory is often not the image that people mean: it may be a thumbnail, and the full image lies in a later
directory or in one below it (SubIFDs).

Sources: TIFF 6.0; Adobe PageMaker 6.0 TIFF Technical Notes, "TIFF Trees" (SubIFDs).
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, BinaryIO

from subpixel.image.files.containers.camera_raw import raw_by_directories
from subpixel.image.files.containers.tiff_directory import Directory, read_layout, walk

__all__ = ["UNIT", "Kind", "StoredImage", "TiffImages", "no_such_page", "read_images"]

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE = 254, 255
_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _DESCRIPTION = 256, 257, 258, 259, 262, 270
_SAMPLES, _SUBIFDS, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _SUBSAMPLING = 277, 330, 338, 339, 530
_MATTEING, UNIT = 32995, 296
_ROWS_PER_STRIP, _STRIP_LENGTHS, _TILE_WIDTH, _TILE_LENGTH, _TILE_LENGTHS = 278, 279, 322, 323, 325
_MOST_BELOW = 256  # directories below another one
# libvips lets libtiff allocate 50 MB for a strip or a tile.
_LARGE_PIECE = 40_000_000

# Values of PhotometricInterpretation that can be read, and names of those that cannot.
_WHITE_IS_ZERO, _PALETTE, _MASK, _CMYK, _YCBCR, _CIELAB = 0, 3, 4, 5, 6, 8
_READABLE = (0, 1, 2, 3, 5, 6, 8)
_UNREADABLE = {
    4: "a transparency mask without an image",
    9: "ICC L*a*b* colours",
    10: "ITU L*a*b* colours",
    32844: "logarithmic luminance (LogL)",
    32845: "logarithmic colours (LogLuv)",
}
# Compressions that the libtiff of libvips' package reads, and names of those that it does not.
_COMPRESSIONS = (1, 2, 3, 4, 5, 7, 8, 32766, 32771, 32773, 32809, 32946, 50001)
_JPEG = 7
_UNREADABLE_COMPRESSIONS = {
    6: "JPEG of TIFF 6.0",
    **{9: "JBIG", 10: "JBIG", 34661: "JBIG", 32909: "PixarLog", 34676: "SGILog", 34677: "SGILog", 34887: "LERC"},
    **{33003: "JPEG 2000", 33005: "JPEG 2000", 34712: "JPEG 2000", 34925: "LZMA", 34926: "Zstandard"},
    **{34927: "WebP", 50000: "Zstandard", 50002: "JPEG XL", 52546: "JPEG XL"},
}
_UNSIGNED, _SIGNED, _FLOAT, _VOID = 1, 2, 3, 4
_FORMATS = {2: "signed integer", 3: "floating point", 5: "complex integer", 6: "complex floating point"}
_PREMULTIPLIED, _STRAIGHT = 1, 2


class Kind(StrEnum):
    """What an image of a file is."""

    FULL = "image"
    REDUCED = "reduced version"
    MASK = "transparency mask"


@dataclass(frozen=True)
class StoredImage:
    """An image of a file.

    Args:
        directory: its tags.
        kind: what it is.
        page: the number of its directory in the chain, or of the one that it lies below.
        below: the number of its offset in the SubIFDs of that directory; None if it is in the chain; −1 if libvips
            cannot reach it.
        width: in pixels.
        height: in pixels.
    """

    directory: Directory
    kind: Kind
    page: int
    below: int | None
    width: int
    height: int

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return self.width * self.height


@dataclass(frozen=True)
class TiffImages:
    """The images of a TIFF.

    Args:
        images: all of them, in the order of their directories, each before those below it.
        main: the one to upscale.
        raw: the name of the raw format of cameras that the file has; None if it is none.
        stack: the images that ImageJ's description of a single directory claims.
        chosen: the number of the main image among the full ones, from 1, if it was asked for; None if it was not.
    """

    images: tuple[StoredImage, ...]
    main: StoredImage
    raw: str | None = None
    stack: int = 1
    chosen: int | None = None

    @property
    def pages(self) -> tuple[StoredImage, ...]:
        """The images that can be asked for: the full ones, or else the main one."""
        return tuple(image for image in self.images if image.kind is Kind.FULL) or (self.main,)

    def choose(self, page: int) -> TiffImages:
        """The same file with another main image.

        Args:
            page: its number among :attr:`pages`, from 1.

        Raises:
            IndexError: there is no such image; the message continues the file's name.
        """
        if page > len(self.pages):
            raise IndexError(no_such_page(page, len(self.pages)))
        if self.pages[page - 1].below == -1:
            raise IndexError(f"page={page}: this image lies below others and cannot be reached; choose another")
        return replace(self, main=self.pages[page - 1], chosen=page)

    @property
    def first(self) -> Directory:
        """The directory that holds what belongs to the whole file."""
        return self.images[0].directory

    @property
    def options(self) -> dict[str, Any]:
        """libvips' options to open the main image."""
        options = {"page": self.main.page} if self.main.page else {}
        return options if self.main.below is None else {**options, "subifd": self.main.below}

    @property
    def notes(self) -> tuple[str, ...]:
        """What else is in the file, one sentence each."""
        notes = []
        full = [image for image in self.images if image.kind is Kind.FULL]
        number = max(len(full), self.stack)
        if number > 1:
            which = "the first" if self.main is full[0] else "the largest"
            which = which if self.chosen is None else f"number {self.chosen}"
            other = next((place for place, image in enumerate(full, 1) if image is not self.main), 0)
            hint = f"; page={other} upscales another" if other and self.chosen is None else ""
            notes.append(f"the file holds {number} images; {which} is upscaled, the others are not kept{hint}")
        left = [image.kind for image in self.images if image is not self.main and image.kind is not Kind.FULL]
        counts = [_count(left.count(kind), kind) for kind in (Kind.REDUCED, Kind.MASK) if kind in left]
        if counts:
            verb = "is" if len(left) == 1 else "are"
            notes.append(f"{' and '.join(counts)} in the file {verb} not kept")
        return tuple(notes)

    def refusal(self, file: BinaryIO) -> str | None:
        """Why the main image's pixels cannot be read, in a phrase that follows the file's name; None if they can.

        Raises:
            OSError: the file cannot be read.
        """
        directory = self.main.directory
        photometric = directory.integer(file, _PHOTOMETRIC, 1)
        if photometric not in _READABLE:
            what = _UNREADABLE.get(photometric, f"photometric interpretation {photometric}")
            return f"this TIFF holds {what}, which cannot be read; convert it to RGB first"
        compression = directory.integer(file, _COMPRESSION, 1)
        if compression not in _COMPRESSIONS:
            name = _UNREADABLE_COMPRESSIONS.get(compression, f"number {compression}")
            return f"its compression ({name}) cannot be read; save it with deflate or LZW first"
        if photometric == _YCBCR and compression != _JPEG and directory.numbers(file, _SUBSAMPLING) == (1, 1):
            return "YCbCr without subsampling can be read from JPEG compression only; convert it to RGB first"
        bits = {int(number) for number in directory.numbers(file, _BITS)} or {1}
        formats = {int(number) for number in directory.numbers(file, _SAMPLE_FORMAT)} or {_UNSIGNED}
        samples = directory.integer(file, _SAMPLES, 1)
        if photometric == _CIELAB:  # a and b are signed
            return "L*a*b* colours of 8 bits cannot be read; convert it to RGB first" if 8 in bits else None
        if len(bits) > 1 or len(formats) > 1:
            return "the samples of this TIFF differ in depth or format; convert it to 8 or 16 bits per sample first"
        (depth,), (sample,) = bits, formats
        integers = depth in (8, 16) or (depth in (1, 2, 4) and samples == 1)
        readable = integers if sample in (_UNSIGNED, _VOID) else sample == _FLOAT and depth in (16, 32)
        if not readable:
            name = _FORMATS.get(sample, "unsigned integer")
            to = "32-bit floating point" if sample != _UNSIGNED or depth > 16 else "16 bits"
            of = "" if samples == 1 or depth not in (1, 2, 4) else f" in {samples} channels"
            return f"samples of {depth}-bit {name}{of} cannot be read; convert it to {to} per sample first"
        if sample == _FLOAT and photometric == _WHITE_IS_ZERO:
            return "floating point samples with 0 as white cannot be read; invert it first"
        return None

    def channels(self, file: BinaryIO) -> tuple[int, int]:
        """The samples of a pixel, and how many of them are colour: 1, 3 or 4.

        Raises:
            OSError: the file cannot be read.
        """
        photometric = self.main.directory.integer(file, _PHOTOMETRIC, 1)
        colours = {_WHITE_IS_ZERO: 1, 1: 1, _PALETTE: 1, _MASK: 1, _CMYK: 4}.get(photometric, 3)
        return self.main.directory.integer(file, _SAMPLES, 1), colours

    def has_large_pieces(self, file: BinaryIO) -> bool:
        """Whether a strip or a tile of the main image has more bytes, decoded, than libtiff reads by default.

        Not if the file is shorter than the lengths of its pieces: they are wrong, and libtiff would allocate them.

        Raises:
            OSError: the file cannot be read.
        """
        directory = self.main.directory
        samples = directory.integer(file, _SAMPLES, 1) * directory.integer(file, _BITS, 1) // 8 or 1
        tile = directory.integer(file, _TILE_WIDTH), directory.integer(file, _TILE_LENGTH)
        rows = min(directory.integer(file, _ROWS_PER_STRIP, self.main.height), self.main.height)
        across, down = tile if all(tile) else (self.main.width, rows)
        if across * down * samples <= _LARGE_PIECE:
            return False
        lengths = directory.numbers(file, _STRIP_LENGTHS) or directory.numbers(file, _TILE_LENGTHS)
        return sum(lengths) <= file.seek(0, io.SEEK_END)

    def known_units(self, file: BinaryIO) -> tuple[tuple[int, bytes], ...]:
        """Offsets of units of a resolution that libtiff takes for damage, and the unit that means none.

        Raises:
            OSError: the file cannot be read.
        """
        places = []
        for directory in {image.directory.offset: image.directory for image in self.images}.values():
            entry = directory.entries.get(UNIT)
            if entry is not None and entry.kind == 3 and directory.integer(file, UNIT) not in (1, 2, 3):
                places.append((entry.at, (1).to_bytes(2, "little" if directory.layout.order == "<" else "big")))
        return tuple(places)

    def alpha(self, file: BinaryIO) -> bool:
        """Whether the sample after the colours is alpha, by ExtraSamples. An unspecified one is not.

        Raises:
            OSError: the file cannot be read.
        """
        directory = self.main.directory
        kinds = directory.numbers(file, _EXTRA_SAMPLES)
        if not kinds:
            return directory.integer(file, _MATTEING) == 1
        return kinds[0] in (_PREMULTIPLIED, _STRAIGHT)


def no_such_page(page: int, count: int) -> str:
    """The phrase behind a file's name that says how many images there are.

    >>> no_such_page(3, 1)
    'page=3: the file holds 1 image'
    """
    return f"page={page}: the file holds {_count(count, 'image')}"


def read_images(file: BinaryIO) -> TiffImages | None:
    """The images of a TIFF; None if it is none, or has no directory.

    Raises:
        OSError: the file cannot be read.
    """
    layout = read_layout(file)
    if layout is None:
        return None
    visited: set[int] = set()
    images: list[StoredImage] = []
    for page, directory in enumerate(walk(file, layout, layout.first, visited)):
        images.append(_image(file, directory, page, None))
        for number, offset in enumerate(_below(file, directory)):
            for place, lower in enumerate(walk(file, layout, int(offset), visited)):
                images.append(_image(file, lower, page, number if place == 0 else -1))
                for deeper in _below(file, lower):
                    images += [_image(file, found, page, -1) for found in walk(file, layout, int(deeper), visited)]
    if not images:
        return None
    raw = raw_by_directories(file, (image.directory for image in images))
    return TiffImages(tuple(images), _choose(images), raw, _stack(file, images))


def _below(file: BinaryIO, directory: Directory) -> tuple[float, ...]:
    """Offsets of directories below one; none if there are more than in earnest, since thousands may claim millions."""
    entry = directory.entries.get(_SUBIFDS)
    return () if entry is None or entry.count > _MOST_BELOW else directory.numbers(file, _SUBIFDS)


def _image(file: BinaryIO, directory: Directory, page: int, below: int | None) -> StoredImage:
    flags = directory.integer(file, _NEW_SUBFILE_TYPE)
    if flags & 4 or directory.integer(file, _PHOTOMETRIC) == _MASK:
        kind = Kind.MASK
    elif flags & 1 or directory.integer(file, _SUBFILE_TYPE) == 2:
        kind = Kind.REDUCED
    else:
        kind = Kind.FULL
    width, height = directory.integer(file, _WIDTH), directory.integer(file, _LENGTH)
    return StoredImage(directory, kind, page, below, width, height)


def _choose(images: list[StoredImage]) -> StoredImage:
    """The largest full image of the first page that has one; if there is none, the largest reduced version."""
    reachable = [image for image in images if image.below != -1]
    full = [image for image in reachable if image.kind is Kind.FULL]
    if not full:
        reduced = [image for image in reachable if image.kind is Kind.REDUCED]
        return max(reduced or reachable, key=lambda image: image.pixels)
    page = full[0].page
    return max((image for image in full if image.page == page), key=lambda image: image.pixels)


def _stack(file: BinaryIO, images: list[StoredImage]) -> int:
    """ImageJ writes one directory for a stack of more than 4 GB, and how many images follow in its description."""
    if len(images) > 1:
        return 1
    text = images[0].directory.text(file, _DESCRIPTION)
    if not text.startswith("ImageJ="):
        return 1
    number = next((line[7:] for line in text.splitlines() if line.startswith("images=")), "")
    return int(number) if number.isdecimal() else 1


def _count(number: int, name: str) -> str:
    return f"{number} {name}" + ("s" if number > 1 else "")
