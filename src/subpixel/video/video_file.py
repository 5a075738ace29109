"""A video file as data: its streams, its chapters, and everything about its image but the pixels.

No object of this module keeps a file open. What a container says about itself is used only if nothing better is known:
frames are counted when they are decoded, and times are those of the frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

import av
import av.logging

from subpixel.errors import VideoReadError
from subpixel.storage.os_errors import os_error_text
from subpixel.video.container_input import open_video
from subpixel.video.hdr import DisplayMetadata, display_metadata, side_data_kinds

__all__ = [
    "Chapter",
    "Kind",
    "Stream",
    "Tags",
    "VideoFile",
    "VideoStream",
    "describe_file",
    "main_stream",
    "no_frame",
    "open_video",
    "probe",
    "probe_open",
]

Kind = Literal["video", "audio", "subtitle", "data", "attachment"]

# Names of chroma sitings, the same in libavformat and in this package.
_SITINGS = {"left", "center", "topleft", "top", "bottomleft", "bottom"}


@dataclass(frozen=True)
class Tags:
    """The meaning of codes, numbered as in ITU-T H.273. 2 means unspecified; for range and siting None does."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool | None = None
    siting: str | None = None


@dataclass(frozen=True)
class VideoStream:
    """The stream that is upscaled.

    Args:
        size: (width, height) of the coded samples, before a player rotates or stretches them.
        pix_fmt: libavutil's name of the pixel format.
        rate: the mean number of frames a second, if it is known. Only the frames' times are exact.
        time_base: the unit of times, in seconds.
        aspect: width by height of a pixel.
        tags: the meaning of the codes.
        matrix: the display matrix, nine numbers as in ISO/IEC 14496-12; None if there is none.
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
    """Any stream of a file.

    Args:
        index: its number in the file, from 0.
        kind: what it carries.
        codec: libavcodec's name of the format (``h264``, ``subrip``), whichever decoder is used for it.
        metadata: of the stream.
        flags: its disposition.
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
    """A chapter; ``start`` and ``end`` are in units of ``time_base`` seconds."""

    start: int
    end: int
    time_base: Fraction
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class VideoFile:
    """A video file.

    Args:
        path: of the file.
        format: libavformat's name of its container.
        streams: all of its streams.
        main: the index of the stream that is upscaled.
        stream: that stream's image.
        chapters: of the file.
        metadata: of the file.
        duration: in seconds, if it is known.
        display: what its first frame says about the display it was made for (HDR10).
        side_data: kinds of side data of its first frame, by libavutil's names.
    """

    path: Path
    format: str
    streams: tuple[Stream, ...]
    main: int
    stream: VideoStream
    chapters: tuple[Chapter, ...]
    metadata: Mapping[str, str]
    duration: Fraction | None
    display: tuple[DisplayMetadata, ...] = ()
    side_data: tuple[str, ...] = ()

    @property
    def codec(self) -> str:
        """The codec of the stream that is upscaled."""
        return self.streams[self.main].codec

    @property
    def others(self) -> tuple[Stream, ...]:
        """All other streams."""
        return tuple(stream for stream in self.streams if stream.index != self.main)


def probe(path: str | Path) -> VideoFile:
    """Read what a video file consists of.

    The first frame is decoded, since some facts are stored with the frames only.

    Args:
        path: of the file.

    Raises:
        VideoReadError: not a video, or one without an image that can be decoded.
    """
    path = Path(path)
    with open_video(path) as container:
        return probe_open(container, path)


def probe_open(container: Any, path: Path) -> VideoFile:
    """The same, for a container that was just opened."""
    stream = main_stream(container, path)
    frame = _first_frame(container, stream, path)
    # libavformat also reads files of images, one after another; a single one is no video.
    if container.format.name.endswith(("image2", "_pipe")) and not any(each.size for each in container.demux(stream)):
        raise VideoReadError(f"{path}: this is an image; use subpixel upscale")
    return describe_file(container, path, frame)


def main_stream(container: Any, path: Path) -> Any:
    """The stream that is upscaled: the first video stream that is not a cover image.

    Raises:
        VideoReadError: there is none, or it cannot be decoded.
    """
    streams = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
    if not streams:
        raise VideoReadError(f"{path}: has no video stream")
    if streams[0].codec_context is None:
        raise VideoReadError(f"{path}: no decoder for its video stream is available")
    return streams[0]


def describe_file(container: Any, path: Path, frame: Any) -> VideoFile:
    """The contents of an open container, given the first frame of its main stream."""
    main = main_stream(container, path)
    return VideoFile(
        path,
        container.format.name,
        tuple(_stream(stream) for stream in container.streams),
        main.index,
        _video_stream(main, frame, _siting(container, main.index)),
        tuple(_chapters(container)),
        dict(container.metadata),
        None if container.duration is None else Fraction(container.duration, av.time_base),
        display_metadata(frame),
        side_data_kinds(frame),
    )


def no_frame(video: VideoFile) -> VideoReadError:
    """The error for a part of a video that holds no frame."""
    length = "" if video.duration is None else f"; it lasts {float(video.duration):.4g} s"
    return VideoReadError(f"{video.path}: there is no frame in this part of the video{length}")


def _first_frame(container: Any, stream: Any, path: Path) -> Any:
    """The first frame that can be decoded."""
    reason = "it has no frames"
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


def _video_stream(stream: Any, frame: Any, siting: str | None) -> VideoStream:
    context = stream.codec_context
    ranges = {1: False, 2: True}
    tags = Tags(
        _first_specified(frame.color_primaries, context.color_primaries),
        _first_specified(frame.color_trc, context.color_trc),
        _first_specified(frame.colorspace, context.colorspace),
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


def _first_specified(first: int, second: int) -> int:
    """A frame's value, or its stream's if the frame's is unspecified. 0 is a value: the matrix of RGB."""
    return int(first) if int(first) != 2 else int(second)


def _matrix(frame: Any) -> tuple[int, ...] | None:
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            return tuple(memoryview(bytes(data)).cast("i"))
    return None


def _siting(container: Any, index: int) -> str | None:
    """Where chroma samples lie. PyAV has no property for it; libavformat's verbose description of a stream names it.

    Two log levels must be raised: the one at which libavcodec describes the stream, and the one that PyAV listens to.
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
