"""What a video is, as data: its streams, its chapters, and of its image all that is not pixels.

Nothing here holds a file open. What a container says of itself is believed only where nothing better is known: frames
are counted when they are decoded, and times are those of the frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

import av
import av.logging

from subpixel.errors import VideoReadError
from subpixel.storage.os_errors import os_error_text

__all__ = [
    "Chapter",
    "Kind",
    "Stream",
    "Tags",
    "VideoFile",
    "VideoStream",
    "describe_file",
    "first_frame",
    "main_stream",
    "open_video",
    "probe",
]

Kind = Literal["video", "audio", "subtitle", "data", "attachment"]

# How libavformat writes where chroma lies, and how this package does.
_SITINGS = {"left", "center", "topleft", "top", "bottomleft", "bottom"}


@dataclass(frozen=True)
class Tags:
    """What codes mean, as ITU-T H.273 numbers it; 2 where nothing is said, None for the range and the siting."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool | None = None
    siting: str | None = None


@dataclass(frozen=True)
class VideoStream:
    """The stream that is upscaled.

    ``size`` is (width, height) of the samples as they are coded, before they are turned or stretched for showing.
    ``rate`` is the mean of frames a second as far as it is known; times are what counts. ``time_base`` is the unit of
    its times in seconds. ``matrix`` is the display matrix, if there is one: nine numbers as in ISO/IEC 14496-12.
    """

    size: tuple[int, int]
    pix_fmt: str
    rate: Fraction | None
    time_base: Fraction
    aspect: Fraction
    tags: Tags
    matrix: tuple[int, ...] | None


@dataclass(frozen=True)
class Stream:
    """Any stream: its place in the file, what it is, and what is said of it.

    ``codec`` is libavcodec's name of the format (``h264``, ``subrip``), whatever decodes it here; ``flags`` is the
    stream's disposition.
    """

    index: int
    kind: Kind
    codec: str
    metadata: Mapping[str, str]
    flags: int

    def __str__(self) -> str:
        language = self.metadata.get("language", "").encode("utf-8", "replace").decode()
        return f"{self.kind} stream {self.index} ({self.codec}{f', {language}' if language else ''})"


@dataclass(frozen=True)
class Chapter:
    """``start`` and ``end`` in units of ``time_base`` seconds."""

    start: int
    end: int
    time_base: Fraction
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class VideoFile:
    """A video file; ``format`` is libavformat's name of its container, ``main`` the index of the stream upscaled."""

    path: Path
    format: str
    streams: tuple[Stream, ...]
    main: int
    stream: VideoStream
    chapters: tuple[Chapter, ...]
    metadata: Mapping[str, str]
    duration: Fraction | None

    @property
    def codec(self) -> str:
        """Of the stream that is upscaled."""
        return self.streams[self.main].codec

    @property
    def others(self) -> tuple[Stream, ...]:
        """All streams but the one that is upscaled."""
        return tuple(stream for stream in self.streams if stream.index != self.main)


@contextmanager
def open_video(path: Path) -> Iterator[Any]:
    """A video's container, to be read from; closed at the end. ``-`` is standard input, which can be opened once.

    Metadata that are not UTF-8 keep their bytes, as Python writes those of file names (``surrogateescape``).

    Raises:
        VideoReadError: not there, or nothing that libavformat knows.
    """
    try:
        name = "pipe:0" if str(path) == "-" else str(path)
        container = av.open(name, metadata_errors="surrogateescape")
    except (OSError, av.error.FFmpegError) as error:
        raise VideoReadError(f"{path}: not a video that can be read ({os_error_text(error)})") from None
    with container:
        yield container


def probe(path: str | Path) -> VideoFile:
    """What a video consists of. The first frame is decoded: some of it only frames say.

    Raises:
        VideoReadError: not a video, no video in it that can be decoded.
    """
    path = Path(path)
    with open_video(path) as container:
        return describe_file(container, path, _first(container, main_stream(container, path), path))


def first_frame(path: Path) -> Any:
    """The first frame of a video that can be decoded; raises as :func:`probe` does."""
    with open_video(path) as container:
        return _first(container, main_stream(container, path), path)


def main_stream(container: Any, path: Path) -> Any:
    """The stream that is upscaled: the first of images that is no cover.

    Raises:
        VideoReadError: there is none, or none that can be decoded.
    """
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not streams:
        raise VideoReadError(f"{path}: holds no video; a video with an image is needed")
    if streams[0].codec_context is None:
        raise VideoReadError(f"{path}: its video is of a kind that cannot be decoded here")
    return streams[0]


def describe_file(container: Any, path: Path, frame: Any) -> VideoFile:
    """What an open container holds, given the first frame of its main stream."""
    main = main_stream(container, path)
    return VideoFile(
        path,
        container.format.name,
        tuple(_stream(stream) for stream in container.streams),
        main.index,
        _video(main, frame, _siting(container, main.index)),
        tuple(_chapters(container)),
        dict(container.metadata),
        None if container.duration is None else Fraction(container.duration, av.time_base),
    )


def _first(container: Any, stream: Any, path: Path) -> Any:
    """The first frame that can be decoded."""
    reason = "no frame in it"
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                raise VideoReadError(f"{path}: its video cannot be decoded ({reason})")
            for frame in packet.decode():
                return frame
        except av.error.FFmpegError as error:
            reason = os_error_text(error)
            if isinstance(error, av.error.EOFError):
                raise VideoReadError(f"{path}: its video cannot be decoded ({reason})") from None


def _video(stream: Any, frame: Any, siting: str | None) -> VideoStream:
    context = stream.codec_context
    ranges = {1: False, 2: True}
    tags = Tags(
        _said(frame.color_primaries, context.color_primaries),
        _said(frame.color_trc, context.color_trc),
        _said(frame.colorspace, context.colorspace),
        ranges.get(int(frame.color_range), ranges.get(int(context.color_range))),
        siting,
    )
    return VideoStream(
        (frame.width, frame.height),
        frame.format.name,
        stream.average_rate or stream.guessed_rate,
        stream.time_base,
        stream.sample_aspect_ratio or Fraction(1),
        tags,
        _matrix(frame),
    )


def _said(first: int, second: int) -> int:
    """What a frame says, or else its stream. RGB is 0 for a matrix, which is said."""
    return int(first) if int(first) != 2 else int(second)


def _matrix(frame: Any) -> tuple[int, ...] | None:
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            return tuple(memoryview(bytes(data)).cast("i"))
    return None


def _siting(container: Any, index: int) -> str | None:
    """Where chroma lies. PyAV has no property for it; libavformat's description of a stream names it at this level.

    Two levels are concerned: what libavcodec puts into the description, and what PyAV listens to.
    """
    level = av.logging.get_level()
    av.logging.set_level(av.logging.VERBOSE)
    av.logging.set_libav_level(av.logging.VERBOSE)
    try:
        text = container.dumps_format()
    finally:
        av.logging.set_libav_level(av.logging.INFO)
        av.logging.set_level(level)
    for line in text.splitlines():
        if f"Stream #0:{index}" in line:
            words = {word.strip(" ()") for word in line.replace("(", ",").replace("/", ",").split(",")}
            return next(iter(words & _SITINGS), None)
    return None


def _stream(stream: Any) -> Stream:
    kind: Kind = stream.type if stream.type in get_args(Kind) else "data"
    if stream.codec_context is not None:
        codec = stream.codec_context.codec.canonical_name
    else:
        codec = (getattr(stream, "name", None) if kind == "data" else None) or "unknown"
    return Stream(stream.index, kind, codec, dict(stream.metadata), int(stream.disposition))


def _chapters(container: Any) -> Iterator[Chapter]:
    for each in container.chapters():
        yield Chapter(each["start"], each["end"], Fraction(each["time_base"]), dict(each["metadata"]))
