"""The chunks of a WebP: what they are, and what libvips does not write of them.

libvips always writes the height of all frames together into an animation's EXIF, and no background.

Sources: WebP container specification (Google); RFC 9649; C2PA 2.1, appendix A; EXIF 2.32, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from subpixel.image.files.containers.boxes import box_name
from subpixel.image.files.containers.inventory import Fate, Inventory, Part
from subpixel.image.files.containers.trailing import describe_trailing

__all__ = ["INVENTORY", "chunks", "list_losses", "read_background", "set_background", "set_durations"]

INVENTORY = Inventory(
    "WebP",
    "chunk",
    (
        Part("VP8", "lossy pixels", Fate.READ),
        Part("VP8L", "lossless pixels", Fate.READ),
        Part("VP8X", "which other chunks there are", Fate.READ),
        Part("ALPH", "transparency", Fate.READ),
        Part("ANIM", "the number of repetitions and the background", Fate.KEPT, "the background in a WebP"),
        Part("ANMF", "a frame", Fate.READ),
        Part("ICCP", "the colour profile", Fate.KEPT),
        Part("EXIF", "EXIF", Fate.KEPT),
        Part("XMP", "XMP", Fate.KEPT),
        Part("C2PA", "a C2PA manifest signed for the old pixels", Fate.LOST),
    ),
)

# Backgrounds that encoders write by themselves: none, and libwebp's white. They state nothing.
_DEFAULT_BACKGROUNDS = (bytes(4), b"\xff\xff\xff\xff")
_MOST_NAMES = 256  # more names than there can be in earnest


def list_losses(file: BinaryIO) -> tuple[str, ...]:
    """What a WebP holds that the result will lack, one sentence each.

    Raises:
        OSError: the file cannot be read.
    """
    names: dict[str, None] = {}
    for kind, _, _ in chunks(file):
        if len(names) < _MOST_NAMES:
            names.setdefault(box_name(kind))
    file.seek(0)
    head = file.read(12)
    losses = INVENTORY.losses(names)
    if head[:4] != b"RIFF":
        return losses
    size = int.from_bytes(head[4:8], "little")
    trailing = describe_trailing(file, 8 + size + size % 2)
    return (*losses, trailing) if trailing else losses


def read_background(file: BinaryIO) -> bytes | None:
    """The background of an animation as blue, green, red and alpha; None if it states none.

    Raises:
        OSError: the file cannot be read.
    """
    offset = _background(file)
    if offset is None:
        return None
    file.seek(offset)
    colour = file.read(4)
    return colour if len(colour) == 4 and colour not in _DEFAULT_BACKGROUNDS else None


def set_background(path: str | Path, colour: bytes) -> None:
    """Set the background of an animation.

    Args:
        path: the file; one without an animation is left as it is.
        colour: as :func:`read_background` returns it.

    Raises:
        OSError: the file cannot be read or written.
    """
    with open(path, "r+b") as file:
        offset = _background(file)
        if offset is not None:
            file.seek(offset)
            file.write(colour)


def set_durations(path: str | Path, written: Sequence[int], wanted: Sequence[int]) -> None:
    """Correct the durations of an animation's frames. libvips takes 10 ms and less for 100 ms.

    Args:
        path: the file. A frame of it may be several equal frames of the source, and has the sum of their durations.
        written: the duration in milliseconds that libvips was given for each frame of the source, above 0.
        wanted: the duration that is right.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: the file does not have these frames.
    """
    pairs = list(zip(written, wanted, strict=True))
    with open(path, "r+b") as file:
        # The duration is the 24 bits after offset and size, of 24 bits each.
        for at in [at for kind, at, _ in chunks(file) if kind == b"ANMF"]:
            file.seek(at + 12)
            duration, right = int.from_bytes(file.read(3), "little"), 0
            while duration > 0 and pairs:
                length, wanted_length = pairs.pop(0)
                duration, right = duration - length, right + wanted_length
            if duration:
                raise ValueError("its frames have other durations")
            file.seek(at + 12)
            file.write(right.to_bytes(3, "little"))
    if pairs:
        raise ValueError("it has fewer frames")


def chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset of the content and its length of each chunk, those inside of frames too."""
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WEBP":
        return
    size = int.from_bytes(head[4:8], "little")
    at, end = 12, 8 + size
    while at + 8 <= end:
        file.seek(at)
        start = file.read(8)
        if len(start) < 8:
            return
        length = int.from_bytes(start[4:], "little")
        yield start[:4], at + 8, length
        # A frame of an animation has a header of 16 bytes, followed by chunks of its own.
        at += 8 + (16 if start[:4] == b"ANMF" else length + length % 2)


def _background(file: BinaryIO) -> int | None:
    return next((at for kind, at, length in chunks(file) if kind == b"ANIM" and length >= 6), None)
