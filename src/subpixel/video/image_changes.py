"""Changes of an image within its video: of size, pixel format or fields, found at key frames without decoding the rest.

A key frame is decoded every second or two, and whenever its parameters differ from those of the key frame before. Of
MPEG-2, every picture says whether it consists of fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from subpixel.storage.memory import is_memory_error, is_memory_tight
from subpixel.video.video_file import VideoFile

__all__ = ["ImageChange", "ImageKind", "KindFinder", "fit_note"]

# Packets between two key frames that are decoded. Codecs without other frames would be decoded as a whole.
_DISTANCE = 48
# Bytes of a packet in which parameters are looked for; they come before the picture.
_HEAD = 1024
# Changes after which no more are looked for.
_MOST = 1000
# Numbers of NAL units with sequence parameters: ITU-T H.264, table 7-1; H.265, table 7-1.
_PARAMETERS = {"h264": (0x1F, 0, 7), "hevc": (0x3F, 1, 33)}
# MPEG-2 (ITU-T H.262, 6.2): the start of a sequence, and of an extension.
_SEQUENCE, _EXTENSION = b"\0\0\1\xb3", b"\0\0\1\xb5"
# What parameters begin with, and how many bytes are compared: the sequence's size and shape in MPEG-1 and -2; the frame
# header of baseline JPEG (ITU-T T.81, B.2.2); that of ProRes (SMPTE RDD 36, 5.1) with size, chroma and fields.
_MARKS = {
    "mpeg1video": (_SEQUENCE, 8),
    "mpeg2video": (_SEQUENCE, 8),
    "mjpeg": (b"\xff\xc0", 19),
    "prores": (b"icpf", 17),
}


@dataclass(frozen=True)
class ImageKind:
    """What frames are like.

    Args:
        size: (width, height).
        pix_fmt: libavutil's name.
        aspect: width by height of a pixel.
    """

    size: tuple[int, int]
    pix_fmt: str
    aspect: Fraction = Fraction(1)

    def __str__(self) -> str:
        return f"{self.size[0]}×{self.size[1]} {self.pix_fmt}"


@dataclass(frozen=True)
class ImageChange:
    """A key frame that is not like the frames before it.

    Args:
        number: of its packet in the stream.
        time: of the packet in the file, in ticks; None if it has none.
        kind: of the frames from there on.
    """

    number: int
    time: int | None
    kind: ImageKind


class KindFinder:
    """Finds changes in the packets of an image.

    Args:
        video: the video.
        stream: its image, in a container that is open for this purpose.
    """

    def __init__(self, video: VideoFile, stream: Any) -> None:
        self._context = stream.codec_context
        self._context.thread_count = 1  # a frame at a time: threads would only wait
        self._codec = video.codec
        first = video.stream
        self._kind = ImageKind(first.size, first.pix_fmt, first.aspect or Fraction(1))
        self.changes: list[ImageChange] = []
        # Number and time of packets from which on frames are interlaced, and progressive again, in turn.
        self.fields: list[tuple[int, int | None]] = []
        self._parameters = b""
        self._next = 0

    def see(self, packet: Any, number: int, time: int | None) -> None:
        """Look at the next packet.

        Args:
            packet: the packet.
            number: of the packet in its stream.
            time: of the packet, in ticks; None if it has none.
        """
        key = packet.is_keyframe
        if self._codec == "mpeg2video":
            head = bytes(memoryview(packet)[:_HEAD])
            self._note_fields(_is_interlaced_mpeg2(head), number, time)
            key = key or _SEQUENCE in head
        if not key or len(self.changes) >= _MOST:
            return
        parameters = self._parameters_of(packet)
        if number >= self._next or (parameters and parameters != self._parameters):
            self._parameters = parameters or self._parameters
            self._next = number + _DISTANCE
            self._decode(packet, number, time)

    def _note_fields(self, interlaced: bool, number: int, time: int | None) -> None:
        if interlaced == (len(self.fields) % 2 == 0) and len(self.fields) < _MOST:
            self.fields.append((number, time))

    def _parameters_of(self, packet: Any) -> bytes:
        """The part of a packet that changes whenever size or format do; empty if the packet has none."""
        if packet.has_sidedata("new_extradata"):
            return bytes(packet.get_sidedata("new_extradata"))
        if self._codec in _PARAMETERS:
            return b"".join(_nal_units(memoryview(packet), *_PARAMETERS[self._codec]))
        start, length = _MARKS.get(self._codec, (b"", 0))
        head = bytes(memoryview(packet)[:_HEAD]) if start else b""
        place = head.find(start)
        return b"" if not start or place < 0 else head[place : place + length]

    def _decode(self, packet: Any, number: int, time: int | None) -> None:
        """Decode a key frame on its own. A damaged one says nothing; decoding in order will tell."""
        try:
            frames = [*self._context.decode(packet), *self._context.decode(None)]
        except (ValueError, av.error.FFmpegError) as error:
            if is_memory_error(error) and is_memory_tight():  # a damaged file may ask for any amount
                raise
            frames = []
        finally:
            self._context.flush_buffers()
        if not frames:
            return
        frame = frames[-1]
        self._note_fields(bool(frame.interlaced_frame), number, time)
        aspect = self._context.sample_aspect_ratio or self._kind.aspect
        kind = ImageKind((frame.width, frame.height), frame.format.name, aspect)
        if (kind.size, kind.pix_fmt) != (self._kind.size, self._kind.pix_fmt):
            self.changes.append(ImageChange(number, time, kind))
            self._kind = kind


def fit_note(video: VideoFile, time: Fraction, kind: ImageKind) -> str:
    """The sentence about frames that are not like the first one.

    Args:
        video: the video.
        time: of the first of them, in seconds on the clock of the file.
        kind: what they are like.
    """
    first = ImageKind(video.stream.size, video.stream.pix_fmt)
    return f"from {float(time - video.first):.2f} s on, frames are {kind}; they are fitted to the first frame, {first}"


def _is_interlaced_mpeg2(head: bytes) -> bool:
    """Whether a picture consists of fields: its coding extension says that it is not progressive (H.262, 6.3.10)."""
    place = head.find(_EXTENSION)
    while 0 <= place < len(head) - 8:
        if head[place + 4] >> 4 == 8:
            return not head[place + 8] & 0x80
        place = head.find(_EXTENSION, place + 4)
    return False


def _nal_units(data: memoryview, mask: int, shift: int, kind: int) -> list[bytes]:
    """NAL units of one kind among the first of a packet, after start codes or after their lengths of four bytes."""
    head, units, place = bytes(data[:_HEAD]), [], 0
    if head.startswith((b"\0\0\1", b"\0\0\0\1")):
        pieces = head.split(b"\0\0\1")[1:]
        return [piece.rstrip(b"\0") for piece in pieces if piece and piece[0] >> shift & mask == kind]
    while place + 5 <= len(head):
        length = int.from_bytes(head[place : place + 4], "big")
        if head[place + 4] >> shift & mask == kind:
            units.append(head[place + 4 : place + 4 + length])
        place += 4 + length
    return units
