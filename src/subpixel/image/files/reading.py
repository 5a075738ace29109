"""Reading images with libvips: pixels as arrays, upright, and the metadata beside them.

Kept are orientation (applied to the pixels, its tag removed), colour profile, EXIF, XMP, IPTC, resolution, 16 bits,
alpha and the frames of an animation. :attr:`subpixel.image.files.image_data.ImageData.notes` says what is converted.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import ImageReadError
from subpixel.image.files.animated_png import AnimatedPng
from subpixel.image.files.compression_info import read_compression
from subpixel.image.files.containers import apng, gif, isobmff, png
from subpixel.image.files.containers.tiff_images import no_such_page
from subpixel.image.files.content import Content, read_content
from subpixel.image.files.decoders.decoder import Decoder, header_image
from subpixel.image.files.decoders.registry import AnyDecoder, open_decoder
from subpixel.image.files.decoding import decoding_of
from subpixel.image.files.image_data import ImageData
from subpixel.image.files.limits import LIMIT, check_decoding, check_limit, check_page, check_size, pipe_bytes
from subpixel.image.files.open_file import OpenFile
from subpixel.image.files.pixel_data import check_pixel_data
from subpixel.image.files.read_errors import (
    check_read,
    read_error,
    unreadable_error,
    unsupported_error,
    unsupported_kind,
)
from subpixel.image.files.source_metadata import (
    TURNED,
    collect_metadata,
    frame_count,
    get_field,
    loader_name,
    set_frame_times,
)
from subpixel.image.files.source_pixels import heif_pixels, on_canvas, to_gray_or_rgb, without_palette_bands
from subpixel.image.files.tiff_source import set_tiff_metadata, with_colours, with_fields_of_the_file
from subpixel.image.files.vips_errors import raise_tile_errors
from subpixel.models.auto import Source
from subpixel.storage.file_kinds import file_kind
from subpixel.storage.os_errors import os_error_text

__all__ = [
    "LIMIT",
    "ImageFile",
    "ImageHeader",
    "load_pixels",
    "open_header",
    "open_image",
    "read",
    "reopen",
]

# What pixels are read as, by libvips' formats.
_DTYPES: dict[str, Any] = {"uchar": np.uint8, "ushort": np.uint16, "float": np.float32}

# libvips also reads tables of numbers as images; its readers of others are blocked.
_TABLE_LOADER = "matrixload"

# "error", not "truncated": with the latter libvips fills a truncated TIFF with black without an error.
_OPTIONS = {"access": "sequential", "fail_on": "error"}

# How each value 1 … 8 of EXIF's orientation is turned upright; axis 0 is down, 1 is across.
_UPRIGHT: tuple[Callable[[NDArray[Any]], NDArray[Any]], ...] = (
    lambda x: x,
    lambda x: x[:, ::-1],
    lambda x: x[::-1, ::-1],
    lambda x: x[::-1],
    lambda x: x.swapaxes(0, 1),
    lambda x: np.rot90(x, -1),
    lambda x: x[::-1, ::-1].swapaxes(0, 1),
    lambda x: np.rot90(x),
)


@dataclass(frozen=True)
class ImageHeader:
    """An open image file of which libvips has read the header.

    Args:
        file: the file.
        vips: the header, of an animation that of the first frame. Its pixels are read at most once, from the top.
        pages: the frames of an animation, else 1. A damaged PNG may state any number.
        content: what the file is by its own bytes.
        decoder: reads the pixels, where libvips does not.
    """

    file: OpenFile
    vips: pyvips.Image
    pages: int
    content: Content = field(default_factory=Content)
    decoder: AnyDecoder | None = None

    @property
    def loader(self) -> str:
        """The libvips loader that reads the file."""
        return loader_name(self.vips)

    @property
    def pixels(self) -> int:
        """Pixels of a frame."""
        return int(self.vips.width * self.vips.height)

    @property
    def is_float(self) -> bool:
        """Whether samples are floating point."""
        return self.vips.format in ("float", "double")


@dataclass(frozen=True)
class ImageFile:
    """An open image file whose metadata has been read, and whose pixels can be read once. A context that closes it.

    Args:
        file: the file.
        metadata: a header with all metadata and no pixels.
        image: gray or RGB, with or without alpha, not yet upright, the frames of an animation below each other. Its
            rows can be read once, from the top. With a decoder only its kind and size hold.
        notes: what is converted, one sentence each.
        dtype: of the pixels.
        compression: how the file is compressed.
        pages: the number of frames.
        decoder: reads the pixels, where libvips does not: an animated PNG, a BMP.
        decoding: bytes that libvips' decoder holds at once.
        content: what the file is by its own bytes.
    """

    file: OpenFile
    metadata: pyvips.Image
    image: pyvips.Image
    notes: tuple[str, ...]
    dtype: np.dtype[Any]
    compression: Source
    pages: int = 1
    decoder: Decoder | None = None
    decoding: int = 0
    content: Content = field(default_factory=Content)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    @property
    def orientation(self) -> int:
        """1 … 8, as in EXIF."""
        value: int = get_field(self.metadata, "orientation", 1)
        return value if 1 <= value <= 8 else 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(H, W, C)`` of an upright frame."""
        height, width = self.image.height // self.pages, self.image.width
        if self.orientation >= 5:
            height, width = width, height
        return height, width, self.image.bands

    @property
    def loader(self) -> str:
        """The libvips loader that reads the file."""
        return loader_name(self.metadata)

    def check_pixel_data(self) -> tuple[str, ...]:
        """What is wrong with the pixels that the decoder accepts, one sentence each. It decodes, so it takes time.

        Raises:
            ImageReadError: pixels are missing or wrong.
        """
        height, width, _ = self.shape
        return () if self.decoder is not None else check_pixel_data(self.file, self.loader, min(width, height))


def read(path: str | Path, *, limit: float = LIMIT, page: int | None = None) -> ImageData:
    """Read an image, upright; of an animation all frames.

    Args:
        path: the file. Its content decides what it is, not its name.
        limit: largest size in megapixels, of all frames together. A larger image is refused before anything is
            allocated, and so is one whose decoder would hold more than 3 bytes for each pixel of the limit at once.
        page: the image of a TIFF or HEIF that holds several, from 1; None for the main one.

    Raises:
        ImageReadError: the file is missing, not an image, damaged, truncated, too large, or of a kind that cannot be
            upscaled.

    >>> from tempfile import TemporaryDirectory
    >>> from subpixel.image import write
    >>> with TemporaryDirectory() as folder:
    ...     _ = write(ImageData(np.zeros((4, 6, 3), np.uint8)), f"{folder}/a.png")
    ...     read(f"{folder}/a.png").pixels.shape
    (4, 6, 3)
    """
    with open_image(path, limit=limit, page=page) as file:
        return load_pixels(file)


def load_pixels(file: ImageFile) -> ImageData:
    """The pixels of an open image, upright.

    Raises:
        ImageReadError: it is damaged or truncated.
    """
    in_frames = file.pages > 1 or file.decoder is not None
    try:
        if file.decoder is not None:
            pixels = file.decoder.load(file.file, file.image.bands, file.dtype)
        else:
            with raise_tile_errors(file.image):
                # Turning needs rows in another order than the file has them, and libvips holds only a few.
                image = file.image if file.orientation < 3 or in_frames else file.image.copy_memory()
                image = image if in_frames else image.autorot()
                pixels = image.numpy().reshape(image.height, image.width, image.bands)
    except pyvips.Error as error:
        raise read_error(file.file, error) from None
    except ValueError as error:
        check_read(file.file)
        raise ImageReadError(f"{file.file.path}: the image is damaged or truncated ({error})") from None
    except OSError as error:
        raise ImageReadError(f"{file.file.path}: {os_error_text(error)}") from None
    check_read(file.file)
    notes = (*file.notes, *file.check_pixel_data())
    data = ImageData(pixels.astype(file.dtype, copy=False), file.metadata, notes, file.pages)
    if in_frames and file.orientation > 1:
        return data.with_frames([_UPRIGHT[file.orientation - 1](frame) for frame in data.frames])
    return data


def open_header(path: str | Path, *, limit: float = LIMIT, page: int | None = None) -> ImageHeader:
    """Open an image file and read its header. A pipe is read to its end.

    Args:
        path: the file.
        limit: as for :func:`read`; a pipe may give four bytes for each pixel.
        page: the image of a file that holds several (TIFF, HEIF), from 1; None for the main one.

    Raises:
        ImageReadError: the file cannot be opened, or is not an image.
    """
    path = Path(path)
    kind = file_kind(path)
    if kind in ("folder", "device"):
        raise ImageReadError(f"{path}: this is a {kind}, not an image")
    try:
        file = OpenFile.of_pipe(path, pipe_bytes(limit)) if kind == "pipe" else OpenFile(path)
    except OSError as error:
        raise ImageReadError(f"{path}: {os_error_text(error)}") from None
    try:
        return _open_header(file, page)
    except pyvips.Error as error:
        failure = unreadable_error(file, error)
    except OSError as error:
        failure = error if isinstance(error, ImageReadError) else ImageReadError(f"{path}: {os_error_text(error)}")
    file.close()
    raise failure


def _open_header(file: OpenFile, page: int | None = None) -> ImageHeader:
    with file.reader() as reader:
        content = read_content(reader, page)
    if content.damage is not None:
        check_read(file)
        raise ImageReadError(f"{file.path}: the image is damaged or truncated ({content.damage})")
    if content.refusal is not None:
        raise ImageReadError(f"{file.path}: {content.refusal}")
    file.replacements = content.replacements
    try:
        vips = file.vips_image(**content.options, **_OPTIONS)
    except pyvips.Error:
        decoder = open_decoder(file)
        if decoder is not None:
            return ImageHeader(file, _header_beside(decoder, file), decoder.layout.pages, content, decoder)
        with file.reader() as reader:
            if not isobmff.is_heif(reader.read(64)):
                raise
        vips = file.heif_image(**_OPTIONS)  # libvips knows a file by its major brand only
    loader, pages = loader_name(vips), frame_count(vips)
    if loader == "heifload" and (decoder := open_decoder(file)) is not None:
        return ImageHeader(file, vips, decoder.layout.pages, content, decoder)
    if loader == "pngload":
        with file.reader() as reader:
            pages = png.declared_frames(reader)
    return ImageHeader(file, vips, pages, content)


def _header_beside(decoder: AnyDecoder, file: OpenFile) -> pyvips.Image:
    """The header with the metadata of a file whose pixels a decoder reads: of a sequence that of the still image."""
    if decoder.layout.loader == "heifload":
        try:
            return file.heif_image(**_OPTIONS)
        except pyvips.Error:
            pass  # a sequence without a still image
    return header_image(decoder.layout)


def open_image(
    path: str | Path, *, limit: float = LIMIT, header: ImageHeader | None = None, page: int | None = None
) -> ImageFile:
    """Open an image and read its metadata.

    Args:
        path: the file.
        limit: as for :func:`read`.
        header: the same file, opened before. It is used if the file is still the same, and closed if not.
        page: the image of a file that holds several (TIFF, HEIF), from 1; None for the main one.

    Raises:
        ImageReadError: the file is missing, not an image, too large, or of a kind that cannot be upscaled.
        InvalidArgument: the limit is not a number above 0.
    """
    check_limit(limit)
    check_page(page)
    if header is not None and not header.file.is_current:
        header.file.close()
        header = None
    header = header or open_header(path, limit=limit, page=page)
    try:
        if header.content.page != page:
            header = _open_header(header.file, page)
        return _open_image(header, limit)
    except pyvips.Error as error:
        failure = read_error(header.file, error)
    except OSError as error:
        failure = error if isinstance(error, ImageReadError) else ImageReadError(f"{path}: {os_error_text(error)}")
    header.file.close()
    raise failure


def reopen(file: ImageFile) -> ImageFile:
    """The same open file, to read its pixels once more.

    Raises:
        ImageReadError: the file changed since it was opened.
    """
    try:
        return _open_image(_open_header(file.file, file.content.page), math.inf)
    except pyvips.Error as error:
        raise read_error(file.file, error) from None


def _open_image(header: ImageHeader, limit: float) -> ImageFile:
    file, pages, path = header.file, header.pages, header.file.path
    if header.loader == _TABLE_LOADER:
        raise ImageReadError(f"{path}: this is a table of numbers, not an image")
    _check_page_of(header)
    if header.decoder is not None:
        return _open_decoded(file, header.vips, header.decoder, limit)
    images = header.content.tiff
    others: tuple[str, ...] = ()
    with file.reader() as reader:
        contents, animation = _png_contents(path, reader) if header.loader == "pngload" else (None, None)
        if contents is not None:
            pages = 1 if animation is None else len(animation.frames)
        vips = header.vips if pages == 1 or animation is not None else _all_frames(file)
        if animation is not None:
            check_size(path, vips.width, vips.height * pages, pages, limit)
        is_gif = header.loader == "gifload"
        canvas, areas = (gif.read_canvas(reader), [*gif.frame_areas(reader)]) if is_gif else ((0, 0), [])
        check_size(path, max(vips.width, canvas[0]), max(vips.height, canvas[1] * pages), pages, limit)
        decoding = decoding_of(reader, vips, header.loader, pages, images)
        check_decoding(path, vips.width, vips.height, decoding, reader.seek(0, io.SEEK_END), limit)
        if images is not None:
            vips = with_fields_of_the_file(vips, images, reader)
            vips, others = with_colours(vips, images, reader, path)
        # Each new operation starts another sequential pass, so metadata is taken from the unread image.
        compression = read_compression(reader)
        metadata, losses = collect_metadata(
            vips, reader, lossy=compression.codec is not None, contents=contents, page=header.content.page
        )
        if images is not None:
            losses = (*losses, *set_tiff_metadata(metadata, reader, images))
    if header.loader == "heifload":
        _check_codec(file)
    image, notes = to_gray_or_rgb(vips)
    if header.loader == "heifload":
        image = heif_pixels(image, metadata)
    image = without_palette_bands(image, metadata, file, contents)
    if header.loader == "gifload":
        image = on_canvas(image, pages, canvas, areas)
    if contents is not None and "exif" in contents.profiles:  # which libvips does not find
        image = image.copy()
        image.set_type(pyvips.GValue.gint_type, "orientation", get_field(metadata, "orientation", 1))
    number = get_field(vips, "n-pages", 1)
    if number > pages and images is None:
        shown = "the main one" if header.loader == "heifload" else "the first"
        page = header.content.page
        hint = ""
        if page is not None:
            shown = f"number {page}"
        elif header.loader == "heifload":
            hint = f"; page={1 if get_field(vips, 'heif-primary', 0) else 2} upscales another"
        notes = (*notes, f"the file holds {number} images; {shown} is upscaled, the others are not kept{hint}")
    if image.format not in _DTYPES or image.bands > 4:
        raise ImageReadError(
            f"{path}: {image.bands} bands of {image.format}: 1 to 4 bands of uint8, uint16 or float32 are needed"
        )
    dtype = np.dtype(_DTYPES[image.format])
    frames = None
    if animation is not None:
        frames = AnimatedPng(animation, gray=image.bands < vips.bands)
        bands = image.bands + (image.bands in (1, 3) and frames.has_alpha(image.bands))
        image = pyvips.Image.black(image.width, image.height * pages, bands=bands).cast(image.format)
        set_frame_times(metadata, [frame.delay for frame in animation.frames], animation.plays)
        if animation.has_still:
            notes = (*notes, "the default image, which viewers without animations show, is no frame: it is not kept")
    notes = tuple(dict.fromkeys((*others, *notes, *losses)))  # equal comments are one note
    return ImageFile(file, metadata, image, notes, dtype, compression, pages, frames, decoding.memory, header.content)


def _check_page_of(header: ImageHeader) -> None:
    """Raise ImageReadError if another image was asked for than a file has that holds one, or an animation."""
    page, path = header.content.page, header.file.path
    if page is None or header.content.tiff is not None or (page == 1 and header.pages == 1):
        return
    if header.pages > 1:
        raise ImageReadError(
            f"{path}: page={page}: this is an animation of {header.pages} frames, which stay together; page is for the "
            "images of a TIFF or HEIF"
        )
    number = get_field(header.vips, "n-pages", 1)
    if page > number:
        raise ImageReadError(f"{path}: {no_such_page(page, number)}")


def _open_decoded(file: OpenFile, vips: pyvips.Image, decoder: AnyDecoder, limit: float) -> ImageFile:
    layout = decoder.layout
    width, height = layout.size
    check_size(file.path, width, height * layout.pages, layout.pages, limit)
    with file.reader() as reader:
        metadata, losses = collect_metadata(vips, reader, lossy=False)
    if layout.pages > 1:
        set_frame_times(metadata, list(layout.times), layout.plays)
    if metadata.get_typeof(TURNED):
        metadata.remove(TURNED)  # of the still image beside a sequence
    metadata.set_type(pyvips.GValue.gint_type, "orientation", layout.orientation)
    metadata.set_type(pyvips.GValue.gint_type, "bits-per-sample", layout.bits)
    image, notes = to_gray_or_rgb(header_image(layout))
    notes = tuple(dict.fromkeys((*notes, *losses, *layout.notes)))
    return ImageFile(file, metadata, image, notes, layout.dtype, Source(), layout.pages, decoder)


def _png_contents(path: Path, reader: BinaryIO) -> tuple[png.Contents, apng.Animation | None]:
    contents = png.read_contents(reader)
    if contents.refusal is not None:
        raise ImageReadError(f"{path}: {contents.refusal}")
    if contents.missing:
        raise ImageReadError(f"{path}: the image is damaged or truncated (its pixels lack {contents.missing:,} bytes)")
    try:
        return contents, apng.read_animation(contents, reader)
    except ValueError as error:
        raise ImageReadError(f"{path}: the animation is damaged: {error}") from None


def _all_frames(file: OpenFile) -> pyvips.Image:
    try:
        return file.vips_image(n=-1, **_OPTIONS)
    except pyvips.Error as error:
        raise unreadable_error(file, error) from None


def _check_codec(file: OpenFile) -> None:
    """Raise ImageReadError before any work if libvips reads the header of a HEIF and has no decoder for its pixels."""
    with file.reader() as reader:
        kind = unsupported_kind(reader)
    if kind is None:
        return
    try:
        file.heif_image().crop(0, 0, 1, 1).avg()
    except pyvips.Error:
        raise unsupported_error(file.path, kind) from None
