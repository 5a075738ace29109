"""Animations in PNGs (APNG): the frames as PNGs of their own, and PNGs assembled to an animation.

Source: PNG, third edition (W3C, 2025), sections 4.10 and 11.3.2.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from subpixel.image.files.containers.png import SIGNATURE, Contents, chunk

__all__ = [
    "BACKGROUND",
    "NONE",
    "OVER",
    "PREVIOUS",
    "SOURCE",
    "Animation",
    "Control",
    "frame_png",
    "read_animation",
    "write_animation",
]

# What happens to a frame's area before the next frame, and how a frame is put onto the canvas.
NONE, BACKGROUND, PREVIOUS = 0, 1, 2
SOURCE, OVER = 0, 1

_CONTROL = ">IIIIIHHBB"  # of fcTL: sequence number, size, offset, delay, disposal, blending
_MOST = (1 << 31) - 1  # of a number in a PNG


@dataclass(frozen=True)
class Control:
    """Place and time of a frame.

    Args:
        width: in pixels.
        height: in pixels.
        x: of its left edge on the canvas.
        y: of its upper edge.
        delay: seconds until the next frame, as numerator and denominator.
        disposal: NONE, BACKGROUND or PREVIOUS.
        blending: SOURCE or OVER.
        parts: offset and length of each piece of its compressed pixels in the file.
    """

    width: int
    height: int
    x: int
    y: int
    delay: tuple[int, int]
    disposal: int = NONE
    blending: int = SOURCE
    parts: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Animation:
    """The animation of a PNG.

    Args:
        contents: of the file.
        plays: how often it is played; 0 for ever.
        frames: in order.
        has_still: whether the default image, which other viewers show, is no frame.
    """

    contents: Contents
    plays: int
    frames: tuple[Control, ...]
    has_still: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """``(width, height)`` of the canvas."""
        width, height = struct.unpack_from(">II", self.contents.header)
        return width, height


def read_animation(contents: Contents, file: BinaryIO) -> Animation | None:
    """The animation of a PNG; None if it is a still image.

    Args:
        contents: of the file.
        file: the same file.

    Raises:
        OSError: the file cannot be read.
        ValueError: the animation is damaged; the message says how.
    """
    if not contents.plan or len(contents.header) != 13:
        return None
    canvas = struct.unpack_from(">II", contents.header)
    declared, plays = struct.unpack(">II", _content(file, contents.plan[0], 8))
    frames: list[Control] = []
    parts: list[tuple[int, int]] = []
    control: Control | None = None
    expected, has_still = 0, False
    for kind, at, length in (*contents.plan[1:], (b"", 0, 0)):
        if kind == b"acTL":
            raise ValueError("it has two acTL chunks")
        if kind in (b"fcTL", b"") and control is not None:
            if not parts:
                raise ValueError(f"frame {len(frames) + 1} has no pixels")
            frames.append(_with_parts(control, parts))
            parts = []
        if kind == b"fcTL":
            number, control = _control(file, (kind, at, length), canvas, len(frames) + 1)
            _check_number(number, expected)
            expected += 1
        elif kind == b"IDAT":
            has_still |= control is None
            if frames:
                raise ValueError("the default image comes after a frame")
            if control is not None:
                if (control.width, control.height, control.x, control.y) != (*canvas, 0, 0):
                    raise ValueError("the first frame is the default image and has another size")
                parts.append((at, length))
        elif kind == b"fdAT":
            if control is None or length < 4:
                raise ValueError(
                    "pixels of a frame have no fcTL chunk before them" if length >= 4 else "an fdAT is empty"
                )
            file.seek(at)
            _check_number(int.from_bytes(file.read(4), "big"), expected)
            expected += 1
            parts.append((at + 4, length - 4))
    if not contents.complete:
        raise ValueError("it is truncated")
    if len(frames) != declared:
        raise ValueError(f"acTL states {_frames(declared)}, the file has {len(frames)}")
    if len(frames) == 1 and not has_still:
        return None
    return Animation(contents, plays, tuple(frames), has_still)


def frame_png(animation: Animation, control: Control, file: BinaryIO) -> bytes:
    """A frame as a PNG of its own.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is damaged.
    """
    contents = animation.contents
    head = struct.pack(">II", control.width, control.height) + contents.header[8:]
    tables = [(b"PLTE", contents.palette), (b"tRNS", contents.transparency)]
    chunks = [chunk(b"IHDR", head), *(chunk(kind, content) for kind, content in tables if content)]
    for at, length in control.parts:
        # An fdAT's checksum covers its sequence number too.
        file.seek(at - 8)
        before = file.read(8)
        start = before if before[:4] == b"fdAT" else before[4:]
        data, checksum = file.read(length), file.read(4)
        if len(checksum) < 4 or zlib.crc32(start + data) != int.from_bytes(checksum, "big"):
            raise ValueError("the checksum of a frame is wrong")
        chunks.append(chunk(b"IDAT", data))
    return SIGNATURE + b"".join(chunks) + chunk(b"IEND", b"")


def write_animation(file: BinaryIO, frames: Iterator[tuple[Control, bytes]], count: int, plays: int) -> None:
    """Assemble PNGs to an animation whose first frame is the default image.

    Args:
        file: to write to.
        frames: each with its place and time, and as a PNG. The first covers the canvas, and its metadata is written.
        count: how many there are.
        plays: how often the animation is played; 0 for ever.

    Raises:
        OSError: the file cannot be written.
        ValueError: the PNGs differ in their kinds of pixels.
    """
    file.write(SIGNATURE)
    number, kind = 0, b""
    for index, (control, content) in enumerate(frames):
        controlled = False
        for name, data in _chunks(content):
            if name == b"IHDR":
                kind = kind or data[8:]
                if data[8:] != kind:
                    raise ValueError("the frames differ in their kinds of pixels")
            if name == b"IDAT" and not controlled:
                place = (control.width, control.height, control.x, control.y)
                how = (*control.delay, control.disposal, control.blending)
                file.write(chunk(b"fcTL", struct.pack(_CONTROL, number, *place, *how)))
                number, controlled = number + 1, True
            if name == b"IDAT" and index:
                file.write(chunk(b"fdAT", number.to_bytes(4, "big") + data))
                number += 1
            elif not index and name != b"IEND":
                file.write(chunk(name, data))
                if name == b"IHDR":
                    file.write(chunk(b"acTL", struct.pack(">II", count, plays)))
    file.write(chunk(b"IEND", b""))


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        at += 12 + length


def _content(file: BinaryIO, where: tuple[bytes, int, int], length: int) -> bytes:
    """The content of a chunk of a fixed length."""
    kind, at, actual = where
    name = kind.decode()
    if actual != length:
        raise ValueError(f"an {name} chunk has {actual} bytes, {length} are right")
    file.seek(at)
    content, checksum = file.read(length), file.read(4)
    if len(checksum) < 4 or zlib.crc32(kind + content) != int.from_bytes(checksum, "big"):
        raise ValueError(f"the checksum of an {name} chunk is wrong")
    return content


def _control(
    file: BinaryIO, where: tuple[bytes, int, int], canvas: tuple[int, ...], number: int
) -> tuple[int, Control]:
    """Sequence number and content of an fcTL."""
    values = struct.unpack(_CONTROL, _content(file, where, struct.calcsize(_CONTROL)))
    sequence, width, height, x, y, numerator, denominator, disposal, blending = values
    if not (width and height and x + width <= canvas[0] and y + height <= canvas[1]):
        place = f"{width}×{height} pixels at {x}, {y}"
        raise ValueError(f"frame {number} ({place}) is not inside of the canvas of {canvas[0]}×{canvas[1]}")
    if disposal > PREVIOUS or blending > OVER:
        raise ValueError(f"frame {number} has the disposal {disposal} and the blending {blending}, which do not exist")
    # A denominator of 0 stands for 100.
    return sequence, Control(width, height, x, y, (numerator, denominator or 100), disposal, blending)


def _with_parts(control: Control, parts: list[tuple[int, int]]) -> Control:
    return Control(
        control.width,
        control.height,
        control.x,
        control.y,
        control.delay,
        control.disposal,
        control.blending,
        tuple(parts),
    )


def _check_number(number: int, expected: int) -> None:
    if number != expected:
        raise ValueError(f"a chunk has the sequence number {number}, {expected} is right")


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
