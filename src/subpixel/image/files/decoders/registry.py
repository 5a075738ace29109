"""The decoders by the first bytes of a file."""

from __future__ import annotations

from subpixel.errors import ImageReadError
from subpixel.image.files.containers import isobmff
from subpixel.image.files.decoders.bmp import Bmp, open_bmp
from subpixel.image.files.decoders.heif_sequence import HeifSequence, open_sequence
from subpixel.image.files.decoders.pnm import Pnm, open_pnm
from subpixel.image.files.open_file import OpenFile

__all__ = ["AnyDecoder", "open_decoder"]

AnyDecoder = Bmp | Pnm | HeifSequence

# libvips' largest side.
_LARGEST = 10_000_000

_PNM = tuple(b"P" + kind for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"f", b"F"))


def open_decoder(file: OpenFile) -> AnyDecoder | None:
    """The decoder of a file that libvips does not read; None if there is none.

    Raises:
        ImageReadError: it is of a known format, and damaged or of a kind that cannot be read.
        OSError: it cannot be read.
    """
    with file.reader() as reader:
        start = reader.read(64)
        decoder: AnyDecoder | None = None
        try:
            if start.startswith(b"BM"):
                decoder = open_bmp(reader)
            elif start[:2] in _PNM and start[2:3] in (b" ", b"\t", b"\r", b"\n", b"#"):
                decoder = open_pnm(reader)
            elif isobmff.is_heif(start):
                decoder = open_sequence(isobmff.read_contents(reader))
        except ImageReadError as error:
            raise ImageReadError(f"{file.path}: {error}") from None
    if decoder is not None and max(decoder.layout.size) > _LARGEST:
        width, height = decoder.layout.size
        raise ImageReadError(f"{file.path}: {width}×{height} pixels: sides of at most {_LARGEST:,} pixels can be read")
    return decoder
