"""A video file as data: its streams, its chapters, and everything about its image but the pixels.

No object of this module keeps a file open. What a container says about itself is used only if nothing better is known:
frames are counted when they are decoded, and times are those of the frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

import av

from subpixel.errors import OutOfMemory, SubpixelError, VideoReadError
from subpixel.storage.memory import HELP, is_memory_error, is_memory_tight
from subpixel.storage.os_errors import os_error_text
from subpixel.video.container_input import open_video, packets_of
from subpixel.video.hdr import DisplayMetadata, display_metadata
from subpixel.video.images.sequence import ImageSequence
from subpixel.video.main_stream import is_image_item, main_stream
from subpixel.video.matroska import unread_parts
from subpixel.video.side_data import lost_side_data, lost_stream_side_data
from subpixel.video.stream_description import StreamDescription, stream_descriptions
from subpixel.video.timeline import Timeline

__all__ = [
    "Chapter",
    "Kind",
    "Stream",
    "Tags",
    "VideoFile",
    "VideoStream",
    "describe_file",
    "describe_stream",
    "no_frame",
    "open_video",
    "probe",
    "probe_open",
]

Kind = Literal["video", "audio", "subtitle", "data", "attachment"]

# Formats of libavformat that are files of images, by the ends of their names.
_IMAGE_FORMATS = ("image2", "_pipe", "gif", "apng")
# The element AlphaMode of Matroska (RFC 9559, 5.1.4.1.28.4), which libavformat turns into metadata.
_ALPHA_MODE = "alpha_mode"
# libavcodec's name for data of several formats, which only the container's own name tells apart.
_ANY_DATA = "bin_data"


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
        aspect: width by height of a pixel; None if the file does not say, which means 1.
        tags: the meaning of the codes.
        matrix: the display matrix, nine numbers as in ISO/IEC 14496-12; None if there is none.
        alpha: whether some pixels may be transparent.
    """

    size: tuple[int, int]
    pix_fmt: str
    rate: Fraction | None
    time_base: Fraction
    aspect: Fraction | None
    tags: Tags
    matrix: tuple[int, ...] | None
    alpha: bool = False


@dataclass(frozen=True)
class Stream:
    """Any stream of a file.

    Args:
        index: its number in the file, from 0.
        kind: what it carries.
        codec: libavcodec's name of the format (``h264``, ``subrip``), whichever decoder is used for it; of data, the
            container's name (``gpmd``) if libavcodec has none.
        metadata: of the stream.
        flags: its disposition.
        chapters: whether it is a track of the titles of chapters, which QuickTime and MP4 have.
        delay: samples at the beginning of a sound that its container tells decoders to skip.
        start: the time of its first frame or sample, in seconds, if it is known.
    """

    index: int
    kind: Kind
    codec: str
    metadata: Mapping[str, str]
    flags: int
    chapters: bool = False
    delay: int = 0
    start: Fraction | None = None

    def __str__(self) -> str:
        language = self.metadata.get("language", "").encode("utf-8", "replace").decode()
        known = language not in ("", "und")
        return f"{self.kind} stream {self.index} ({self.codec}{f', {language}' if known else ''})"


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
        duration: in seconds from the first frame on, if it is known.
        first: the time of the first frame that is shown, in seconds on the clock of the file.
        display: what its first frame says about the display it was made for (HDR10).
        losses: what is attached to its first frame, or to its stream, that a result lacks; one sentence each.
        timeline: corrections of its times, if a scan of its packets found that they need any.
        images: the files of its frames, if it is a sequence of images.
    """

    path: Path
    format: str
    streams: tuple[Stream, ...]
    main: int
    stream: VideoStream
    chapters: tuple[Chapter, ...]
    metadata: Mapping[str, str]
    duration: Fraction | None
    first: Fraction = Fraction(0)
    display: tuple[DisplayMetadata, ...] = ()
    losses: tuple[str, ...] = ()
    timeline: Timeline = field(default_factory=Timeline)
    images: ImageSequence | None = None

    @property
    def codec(self) -> str:
        """The codec of the stream that is upscaled."""
        return self.streams[self.main].codec

    @property
    def compression(self) -> str | None:
        """What says whether the image lost much: the codec; of images their format, or None if that says nothing."""
        return self.codec if self.images is None else self.images.compression

    @property
    def others(self) -> tuple[Stream, ...]:
        """All other streams."""
        return tuple(stream for stream in self.streams if stream.index != self.main)


def probe(path: str | Path, main: int | None = None) -> VideoFile:
    """Read what a video file consists of.

    The first frame is decoded, since some facts are stored with the frames only.

    Args:
        path: of the file.
        main: the index of the stream that counts as the video; None to choose it.

    Raises:
        VideoReadError: not a video, or one without an image that can be decoded.
    """
    path = Path(path)
    with open_video(path) as container:
        return probe_open(container, path, main)


def probe_open(container: Any, path: Path, main: int | None = None) -> VideoFile:
    """The same, for a container that was just opened."""
    stream = main_stream(container, path, main)
    # libavformat also reads files of images, one after another, and animations; a single image is no video.
    images = container.format.name.endswith(_IMAGE_FORMATS)
    try:
        frame = _first_frame(container, stream, path)
    except VideoReadError:
        if images:
            raise VideoReadError(f"{path}: this is an image; use subpixel upscale") from None
        raise
    if images and not _goes_on(container, stream):
        raise VideoReadError(f"{path}: this is an image; use subpixel upscale")
    video = describe_file(container, path, frame, stream)
    if not video.format.startswith("matroska"):
        return video
    with open(path, "rb") as file:
        return replace(video, losses=(*video.losses, *unread_parts(file, video.main)))


def describe_file(container: Any, path: Path, frame: Any, main: Any) -> VideoFile:
    """The contents of an open container, given its main stream and the first frame of that."""
    descriptions = stream_descriptions(container)
    streams = [
        describe_stream(stream, descriptions.get(stream.index, StreamDescription())) for stream in container.streams
    ]
    # Whether packets have alpha beside them is true of the source's packets only.
    streams[main.index] = replace(streams[main.index], metadata=_without_alpha_mode(streams[main.index].metadata))
    description = descriptions.get(main.index, StreamDescription())
    first = (frame.pts or 0) * main.time_base
    losses = (*lost_side_data(frame, first=True), *lost_stream_side_data(description.side_data), *_lost_layers(main))
    return VideoFile(
        path,
        container.format.name,
        tuple(streams),
        main.index,
        _video_stream(main, frame, description.siting),
        tuple(_chapters(container)),
        dict(container.metadata),
        _duration(container, first),
        first,
        display_metadata(frame),
        tuple(dict.fromkeys(losses)),
    )


def no_frame(video: VideoFile) -> SubpixelError:
    """The error for a part of a video that holds no frame."""
    if is_memory_tight():  # the decoder then gives none, without an error
        return OutOfMemory(f"{video.path}: not enough memory; {HELP}")
    length = "" if video.duration is None else f"; it lasts {float(video.duration):.4g} s"
    return VideoReadError(f"{video.path}: there is no frame in this part of the video{length}")


def _goes_on(container: Any, stream: Any) -> bool:
    """Whether more packets follow. What cannot be read is more than a single image as well."""
    try:
        return any(packet.size for packet in packets_of(container, stream))
    except av.error.FFmpegError as error:
        if is_memory_error(error) and is_memory_tight():
            raise
        return not isinstance(error, av.error.EOFError)


def _first_frame(container: Any, stream: Any, path: Path) -> Any:
    """The first frame that can be decoded."""
    reason = "it has no frames"
    packets = packets_of(container, stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                raise VideoReadError(f"{path}: its video cannot be decoded ({reason})")
            if packet.has_sidedata("encryption_info"):
                raise VideoReadError(f"{path}: its video is encrypted; a copy without encryption is needed")
            for frame in packet.decode():
                return frame
        except av.error.FFmpegError as error:
            if is_memory_error(error) and is_memory_tight():  # damaged numbers, too, ask for too much
                raise
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
        stream.sample_aspect_ratio or None,
        tags,
        _matrix(frame),
        _is_transparent(stream, frame),
    )


def _first_specified(first: int, second: int) -> int:
    """A frame's value, or its stream's if the frame's is unspecified. 0 is a value: the matrix of RGB."""
    return int(first) if int(first) != 2 else int(second)


def _matrix(frame: Any) -> tuple[int, ...] | None:
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            return tuple(memoryview(bytes(data)).cast("i"))
    return None


def _duration(container: Any, first: Fraction) -> Fraction | None:
    """The time from the first frame to the end.

    Matroska and NUT state where a file ends, counted from 0. Other formats state, or libavformat estimates, how long it
    lasts.
    """
    if container.duration is None:
        return None
    duration = Fraction(container.duration, av.time_base)
    absolute = container.format.name in ("matroska,webm", "nut")
    return duration - first if absolute and duration > first else duration


def _is_transparent(stream: Any, frame: Any) -> bool:
    """Whether there is an alpha channel, in the frames or beside them as in VP8 and VP9."""
    beside = any(key.lower() == _ALPHA_MODE and value != "0" for key, value in stream.metadata.items())
    return beside or any(part.is_alpha for part in frame.format.components)


def _without_alpha_mode(metadata: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if key.lower() != _ALPHA_MODE}


def _lost_layers(stream: Any) -> Iterator[str]:
    """A sentence, if the stream has more layers than its decoder gives, such as the second view of MV-HEVC."""
    if stream.disposition & av.stream.Disposition.multilayer:
        yield "not kept: all layers of the video stream but the first, such as the other view of a stereoscopic video"


def describe_stream(stream: Any, description: StreamDescription) -> Stream:
    """A stream of an open container, given what libavformat says of it."""
    kind: Kind = stream.type if stream.type in get_args(Kind) else "data"
    if stream.codec_context is not None:
        codec = stream.codec_context.codec.canonical_name
    elif kind == "attachment":
        codec = "unknown"
    else:
        codec = description.codec if description.codec != _ANY_DATA else ""
        codec = codec or description.tag or description.codec or "unknown"
    # libavformat reads the titles from the track to which a reference of type "chap" points, and then discards it.
    chapters = kind == "data" and stream.discard == av.stream.Discard.all
    start = None if stream.start_time is None else stream.start_time * stream.time_base
    flags = int(stream.disposition)
    if is_image_item(stream.container, stream):
        flags |= int(av.stream.Disposition.still_image)
    return Stream(stream.index, kind, codec, dict(stream.metadata), flags, chapters, description.delay, start)


def _chapters(container: Any) -> Iterator[Chapter]:
    for each in container.chapters():
        yield Chapter(each["start"], each["end"], Fraction(each["time_base"]), dict(each["metadata"]))
