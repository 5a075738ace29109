"""Subtitles of text, converted by libavcodec to the format that a container takes.

libavcodec reads each event as a line of ASS and writes it in the other format. It drops an event with bytes that are no
text, so they are replaced before. A track of MP4 shows one event at a time, so those that overlap are joined while they
do (3GPP TS 26.245, 5.17: a length, the text, and boxes, of which ``styl`` is the only one that libavcodec writes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import av
from av.subtitles.subtitle import SubtitleSet

from subpixel.storage.memory import is_memory_error, is_memory_tight
from subpixel.video.containers import Container

__all__ = ["TextConverter", "TextTrial", "conversion_losses", "converts", "set_up_text", "text_target"]

# The format that a container takes, by libavformat's name of it, for text that it does not hold as it is.
_TARGETS = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}

# What a format can say besides bold, italic and underlined text.
_SAYS = {
    "mov_text": ("colours", "fonts", "boxes", "karaoke"),
    "subrip": ("colours", "fonts", "positions"),
    "ass": ("colours", "fonts", "positions", "effects"),
    "webvtt": ("positions", "regions", "voices"),
}
# What of that libavcodec writes in a format.
_KEEPS: dict[str, tuple[str, ...]] = {
    "mov_text": ("colours", "fonts"),
    "subrip": ("colours", "fonts"),
    "webvtt": (),
}

# The longest text of an event in MP4, whose length has two bytes.
_LONGEST = 65535
_STYLES, _STYLE_SIZE = b"styl", 12
_BYTE_ORDERS = {b"\xfe\xff": "utf-16-be", b"\xff\xfe": "utf-16-le"}
# Seconds of an event that nothing follows, if it does not say how long it lasts.
_LAST = 5
# The commas before the text in a line of ASS as it lies in a packet.
_FIELDS = 8
# A drawing of ASS, from the code that begins it to the one that ends it, or the end.
_DRAWING = re.compile(rb"(\{[^}]*\\p[1-9][^}]*\}).*?(?=\{[^}]*\\p0|$)", re.DOTALL)


def text_target(container: Container, codec: str) -> str | None:
    """The format that text is converted to for a container; None if it is not converted.

    Args:
        container: that does not hold it as it is.
        codec: libavcodec's name of the text's format.
    """
    return _TARGETS.get(container.format) if codec in _SAYS else None


def conversion_losses(before: str, after: str) -> str:
    """What a conversion from one format to another loses, in a few words; empty if it is nothing.

    >>> conversion_losses("ass", "mov_text")
    'positions and effects'
    """
    *most, last = [each for each in _SAYS[before] if each not in _KEEPS[after]] or [""]
    return " and ".join(part for part in (", ".join(most), last) if part)


def set_up_text(context: Any, header: bytes) -> None:
    """Set up an encoder of subtitles that is not open yet, given the header of ASS that its lines refer to."""
    context.subtitle_header = header
    context.time_base = Fraction(1, 1000)


def converts(template: Any, codec: str, after: str) -> bool:
    """Whether a stream can be converted: its codec is there, and what it says about itself can be read.

    Args:
        template: the stream in its open file.
        codec: libavcodec's name of its format.
        after: of the format that it would become.
    """
    try:
        return template.codec_context is not None and bool(_Conversion(template, codec, after))
    except (ValueError, av.error.FFmpegError):
        return False


class _Conversion:
    """Converts packets one by one.

    Args:
        template: a stream in its open file.
        codec: libavcodec's name of its format.
        after: of the format that it becomes.
    """

    def __init__(self, template: Any, codec: str, after: str) -> None:
        self._codec, self._after = codec, after
        self._decoder: Any = av.CodecContext.create(template.codec_context.codec.name, "r")
        self._decoder.extradata = template.codec_context.extradata
        self._decoder.open(strict=False)
        self.header: bytes = self._decoder.subtitle_header or _plain_header()
        self._encoder: Any = av.CodecContext.create(after, "w")
        set_up_text(self._encoder, self.header)
        self._encoder.open(strict=False)

    def convert(self, content: bytes) -> tuple[bytes, bool]:
        """The content of a packet in the other format, empty if it shows nothing; and whether it had to be mended.

        Raises:
            ValueError, av.error.FFmpegError: it cannot be read or written.
        """
        line, mended = self._line(content)
        if not line:
            return b"", mended
        encoded = bytes(self._encoder.encode_subtitle(SubtitleSet.create(line, 0, 1)))
        # Readers of WebM cut off the line breaks at the end.
        return encoded.rstrip(b"\r\n") if self._after == "webvtt" else encoded, mended

    def _line(self, content: bytes) -> tuple[bytes, bool]:
        if self._codec != "mov_text":
            text, mended = _as_utf8(content)
            return self._decoded(text), mended
        end = 2 + int.from_bytes(content[:2], "big")
        text, boxes, cut = content[2:end], content[end:], end > len(content)
        order = _BYTE_ORDERS.get(text[:2])
        if order is not None:
            text = text[2:].decode(order, "replace").encode()[:_LONGEST]
        text, mended = _as_utf8(text)
        plain = len(text).to_bytes(2, "big") + text
        try:
            return self._decoded(plain + boxes), mended or cut
        except (ValueError, av.error.FFmpegError):  # damaged boxes: the words are left
            return self._decoded(plain), True

    def _decoded(self, content: bytes) -> bytes:
        """The line of ASS in a packet; empty if nothing is shown."""
        packet = av.Packet(content)
        packet.pts, packet.duration, packet.time_base = 0, 1, Fraction(1, 1000)
        found = self._decoder.decode2(packet) if content else None
        lines = [] if found is None else [each.ass.split(b",", _FIELDS) for each in found.rects]
        if any(len(line) != _FIELDS + 1 for line in lines):
            raise ValueError("this is no line of ASS")
        texts = [self._shown(line[_FIELDS]) for line in lines]
        texts = [text for text in texts if re.sub(rb"\{[^}]*\}|\\N", b"", text).strip()]
        return b",".join([*lines[0][:_FIELDS], b"\\N".join(texts)]) if texts else b""

    def _shown(self, text: bytes) -> bytes:
        """Text without what libavcodec would write as if it were words."""
        if self._codec != "ass":
            return text
        return _DRAWING.sub(rb"\1", text).replace(b"\\h", "\N{NO-BREAK SPACE}".encode())


class TextTrial:
    """Whether the packets of a stream can be converted, found before the work.

    Args:
        template: the stream in its open file.
        codec: libavcodec's name of its format.
        after: of the format that it becomes.
    """

    def __init__(self, template: Any, codec: str, after: str) -> None:
        self._conversion = _Conversion(template, codec, after)
        self.mended = 0  # packets with bytes that are no text, or that are cut off

    def accepts(self, packet: Any) -> bool:
        """Whether the next packet can be converted."""
        try:
            self.mended += self._conversion.convert(bytes(packet))[1]
        except (ValueError, av.error.FFmpegError) as error:
            if is_memory_error(error) and is_memory_tight():  # a damaged file may ask for any amount
                raise
            return False
        return True

    def close(self) -> None:
        """End the trial."""


@dataclass(frozen=True)
class _Event:
    """Content that is shown from one time to another, in ticks; the end is None if it is not known."""

    start: int
    end: int | None
    content: bytes


class TextConverter:
    """Converts the packets of one stream. Arguments are those of :class:`TextTrial`."""

    def __init__(self, template: Any, codec: str, after: str) -> None:
        self._conversion = _Conversion(template, codec, after)
        self._codec = codec
        self._joins = after == "mov_text"
        self._shown: list[_Event] = []  # what goes on, if events are joined
        self._at = 0  # the time up to which packets are written
        self._time_base = template.time_base

    def add_to(self, out: Any, codec: str) -> Any:
        """Add the stream to an output container."""
        target = out.add_stream(codec)
        set_up_text(target.codec_context, self._conversion.header)
        target.time_base = self._time_base
        return target

    def push(self, packet: Any) -> Iterator[Any]:
        """The packets that follow from the source's next packet."""
        if packet.pts is None or (self._codec == "mov_text" and not packet.duration):
            return  # in MP4, what lasts no time is not shown
        self._time_base = packet.time_base
        content, _ = self._conversion.convert(bytes(packet))
        if self._joins:
            yield from self._until(packet.pts)
        if content and self._joins:
            end = packet.pts + packet.duration if packet.duration else None
            self._shown.append(_Event(packet.pts, end, content))
        elif content:
            yield self._packet(content, packet.pts, packet.duration or 0)

    def flush(self) -> Iterator[Any]:
        """The last packets."""
        last = round(_LAST / self._time_base)
        if self._shown:
            yield from self._until(max(each.start + last if each.end is None else each.end for each in self._shown))

    def notes(self) -> Iterator[str]:
        """None: what is wrong with packets was found before the work."""
        return iter(())

    def _until(self, time: int) -> Iterator[Any]:
        """What is shown up to a time, in parts in which nothing changes."""
        while self._shown and self._at < time:
            self._at = max(self._at, min(each.start for each in self._shown))
            end = min([time, *(each.end for each in self._shown if each.end is not None)])
            if end > self._at:
                yield self._packet(_joined([each.content for each in self._shown]), self._at, end - self._at)
            self._at = max(self._at, end)
            # What does not say how long it lasts goes on until something else begins.
            self._shown = [each for each in self._shown if (time if each.end is None else each.end) > self._at]
        self._at = max(self._at, time)

    def _packet(self, content: bytes, start: int, duration: int) -> Any:
        packet = av.Packet(content)
        packet.pts = packet.dts = start
        packet.duration, packet.time_base, packet.is_keyframe = duration, self._time_base, True
        return packet


@cache
def _plain_header() -> bytes:
    """The header of ASS that libavcodec gives to text without styles, for streams that lack their own."""
    context: Any = av.CodecContext.create("subrip", "r")
    context.open(strict=False)
    return bytes(context.subtitle_header)


def _joined(contents: Sequence[bytes]) -> bytes:
    """Several events of MP4 as one, each below the one before. If that is too long, the last ones are left out."""
    text, styles = b"", b""
    for content in contents:
        end = 2 + int.from_bytes(content[:2], "big")
        before = text + b"\n" if text else b""
        if len(before) + end - 2 > _LONGEST:
            break
        shift = len(before.decode("utf-8", "replace"))
        styles += b"".join(
            (int.from_bytes(each[:2], "big") + shift).to_bytes(2, "big")
            + (int.from_bytes(each[2:4], "big") + shift).to_bytes(2, "big")
            + each[4:]
            for each in _styles(content[end:])
        )
        text = before + content[2:end]
    head = len(text).to_bytes(2, "big") + text
    if not styles:
        return head
    count = len(styles) // _STYLE_SIZE
    return head + (10 + len(styles)).to_bytes(4, "big") + _STYLES + count.to_bytes(2, "big") + styles


def _styles(boxes: bytes) -> Iterator[bytes]:
    """The records of styles in the boxes that libavcodec wrote after a text."""
    while len(boxes) >= 8:
        size = int.from_bytes(boxes[:4], "big")
        if boxes[4:8] == _STYLES:
            for start in range(10, size, _STYLE_SIZE):
                yield boxes[start : start + _STYLE_SIZE]
        boxes = boxes[max(size, 8) :]


def _as_utf8(content: bytes) -> tuple[bytes, bool]:
    """Text without bytes that are none and without NUL, which would end it; and whether there were any."""
    text = content.decode("utf-8", "replace").replace("\0", "").encode()
    return text, text != content
