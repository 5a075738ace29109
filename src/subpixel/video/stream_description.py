"""Facts about the streams of a file that PyAV has no property for, read from libavformat's description of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av.logging

__all__ = ["StreamDescription", "stream_descriptions"]

# Names of chroma sitings, the same in libavformat and in this package.
_SITINGS = {"left", "center", "topleft", "top", "bottomleft", "bottom"}

# "  Stream #0:1[0x2](eng): Data: none (camm / 0x6D6D6163), 1 kb/s"
_STREAM = re.compile(r" *Stream #0:(\d+).*?: (Video|Audio|Subtitle|Data|Attachment|Unknown): (.*)")
_TAG = re.compile(r" / 0x([0-9A-F]{8})\)")
_DELAY = re.compile(r", delay (\d+)")
_SIDE_DATA = re.compile(r"      (\S[^:]*): ")


@dataclass(frozen=True)
class StreamDescription:
    """What libavformat says of a stream.

    Args:
        codec: libavcodec's name of the format; empty if it has none.
        tag: the container's name of the format, such as ``gpmd``; empty if it is no text of four characters.
        siting: where chroma samples lie; None if the stream does not say.
        delay: samples at the beginning of a sound that its container tells decoders to skip, as Matroska does.
        side_data: kinds of side data of the stream, by libavcodec's names.
    """

    codec: str = ""
    tag: str = ""
    siting: str | None = None
    delay: int = 0
    side_data: tuple[str, ...] = ()


def stream_descriptions(container: Any) -> dict[int, StreamDescription]:
    """The descriptions of the streams of an open file, by index."""
    found = {}
    for index, kind, words, side_data in _parts(_description(container)):
        tag, delay = _TAG.search(words), _DELAY.search(words)
        codec = words.split(",")[0].split(" ")[0]
        found[index] = StreamDescription(
            "" if codec in ("none", "unknown") else codec,
            _text(tag[1]) if tag else "",
            _siting(words) if kind == "Video" else None,
            int(delay[1]) if delay else 0,
            side_data,
        )
    return found


def _description(container: Any) -> str:
    """libavformat's verbose description of a file.

    Two log levels must be raised: the one at which libavcodec describes the stream, and the one that PyAV listens to.
    """
    level = av.logging.get_level()
    av.logging.set_level(av.logging.VERBOSE)
    av.logging.set_libav_level(av.logging.VERBOSE)
    try:
        return str(container.dumps_format())
    finally:
        av.logging.set_libav_level(av.logging.INFO)
        av.logging.set_level(level)


def _parts(text: str) -> Iterator[tuple[int, str, str, tuple[str, ...]]]:
    """Index, kind, description and side data of each stream."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        found = _STREAM.fullmatch(line)
        if found:
            yield int(found[1]), found[2], found[3], tuple(_side_data(lines[number + 1 :]))


def _side_data(lines: list[str]) -> Iterator[str]:
    """The names below the line "Side data:", up to the next stream."""
    inside = False
    for line in lines:
        if not line.startswith("    "):
            return
        if not line.startswith("     "):
            inside = line.strip() == "Side data:"
        elif inside and (found := _SIDE_DATA.match(line)):
            yield found[1]


def _text(number: str) -> str:
    """The four characters of a tag, which is a number of four bytes; empty if they are no characters."""
    characters = int(number, 16).to_bytes(4, "little")
    return characters.decode("ascii").strip() if all(0x20 <= each < 0x7F for each in characters) else ""


def _siting(words: str) -> str | None:
    parts = {word.strip(" ()") for word in words.replace("(", ",").replace("/", ",").split(",")}
    return next(iter(parts & _SITINGS), None)
