"""Uncompressed frames for a player or another program behind a pipe, as YUV4MPEG2 or NUT.

YUV4MPEG2 ("y4m") is a line of text followed by planes. It holds YUV and gray at one constant frame rate. NUT holds any
format and the time of each frame. Here it lacks the sample aspect ratio, which libavformat takes from a field that PyAV
does not expose.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any, BinaryIO, Literal, Protocol, cast, get_args

import av
import numpy as np

from subpixel.errors import Unsupported, unknown
from subpixel.storage.pipes import PipeWriter
from subpixel.video.encoders import configure_context
from subpixel.video.formats import Layout, planes_of
from subpixel.video.video_file import VideoStream

__all__ = ["PipeFormat", "Writer", "check_layout", "format_for", "open_writer", "pipe_format"]

PipeFormat = Literal["y4m", "nut"]

# y4m's names of chroma sitings in 4:2:0 of 8 bits.
_SITINGS = {"left": "420mpeg2", "center": "420jpeg", "topleft": "420paldv"}
_DEFAULT_RATE = Fraction(25)


class Writer(Protocol):
    """Writes frames in order."""

    def add(self, frame: Any, time: int) -> None:
        """Write the next frame; its time is in units of the video's time base."""


def pipe_format(name: str) -> PipeFormat:
    """The format with a name.

    Raises:
        InvalidArgument: there is no such format.

    >>> pipe_format("y4m")
    'y4m'
    """
    if name not in get_args(PipeFormat):
        raise unknown("format", name, get_args(PipeFormat))
    return cast(PipeFormat, name)


def format_for(layout: Layout) -> PipeFormat:
    """The format that holds frames of a layout: ``"y4m"``, which every player reads, or ``"nut"`` for RGB."""
    return "nut" if layout.rgb else "y4m"


def check_layout(name: PipeFormat, layout: Layout, where: object) -> None:
    """Check that a format can hold frames of a layout.

    Args:
        name: the format.
        layout: of the frames.
        where: named at the start of an error message.

    Raises:
        Unsupported: it cannot.
    """
    if name == "y4m" and layout.rgb:
        raise Unsupported(
            f"{where}: format='y4m' holds YUV and gray, not pixel format {layout.name}; format='nut' does"
        )


@contextmanager
def open_writer(
    name: PipeFormat, file: BinaryIO | PipeWriter, video_stream: VideoStream, layout: Layout, siting: str
) -> Iterator[Writer]:
    """Open a writer of frames to a file, which need not be seekable. It is finished at the end.

    Args:
        name: the format.
        file: the file to write to.
        video_stream: size, rate, time base, aspect and tags of the frames.
        layout: of the frames.
        siting: where chroma samples lie.

    Raises:
        Unsupported: the format cannot hold such frames.
    """
    check_layout(name, layout, "frames")
    if name == "y4m":
        yield _Y4mWriter(file, video_stream, layout, siting)
        return
    sink = _Sink(file)
    container = av.open(sink, "w", format="nut")
    try:
        writer = _NutWriter(container, video_stream, layout)
        yield writer
        writer.finish()
        container.close()
    except BaseException:
        with suppress(OSError, ValueError, av.error.FFmpegError):  # closing writes, and fails like the write before
            container.close()
        if sink.failure is not None:
            raise sink.failure from None
        raise


class _Sink:
    """What libavformat writes to. After a failure it writes nothing more.

    Exceptions other than errors do not pass through libavformat, so each is kept, to be raised after it.
    """

    def __init__(self, file: BinaryIO | PipeWriter) -> None:
        self._file = file
        self.failure: BaseException | None = None

    def write(self, data: bytes) -> int:
        if self.failure is None:
            try:
                return self._file.write(data)
            except BaseException as error:  # noqa: BLE001  raised by open_writer
                self.failure = error
        raise OSError(errno.EIO, os.strerror(errno.EIO))


class _Y4mWriter:
    def __init__(self, file: BinaryIO | PipeWriter, video_stream: VideoStream, layout: Layout, siting: str) -> None:
        self._file, self._layout = file, layout
        file.write((" ".join(_header(video_stream, layout, siting)) + "\n").encode())

    def add(self, frame: Any, time: int) -> None:
        self._file.write(b"FRAME\n")
        for plane in planes_of(frame, self._layout):
            self._file.write(np.ascontiguousarray(plane).data)


class _NutWriter:
    def __init__(self, container: Any, video_stream: VideoStream, layout: Layout) -> None:
        self._container = container
        self._stream: Any = container.add_stream("rawvideo", rate=video_stream.rate or _DEFAULT_RATE)
        self._stream.time_base = video_stream.time_base
        # Codes of RGB always use the full range.
        tags = replace(video_stream.tags, full_range=video_stream.tags.full_range or layout.rgb)
        configure_context(self._stream.codec_context, replace(video_stream, tags=tags), layout.name)

    def add(self, frame: Any, time: int) -> None:
        frame.pts = time
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        self._container.mux(self._stream.encode(None))


def _header(video_stream: VideoStream, layout: Layout, siting: str) -> Iterator[str]:
    rate = video_stream.rate or _DEFAULT_RATE
    yield f"YUV4MPEG2 W{video_stream.size[0]} H{video_stream.size[1]} F{rate.numerator}:{rate.denominator} Ip"
    if video_stream.aspect is not None:
        yield f"A{video_stream.aspect.numerator}:{video_stream.aspect.denominator}"
    yield f"C{_colour_space(layout, siting)}"
    if video_stream.tags.full_range is not None:
        yield f"XCOLORRANGE={'FULL' if video_stream.tags.full_range else 'LIMITED'}"


def _colour_space(layout: Layout, siting: str) -> str:
    assert layout.subsampling is not None
    deep = layout.bits > 8
    if layout.subsampling == "gray":
        return f"mono{layout.bits}" if deep else "mono"
    if deep:
        return f"{layout.subsampling}p{layout.bits}"
    return _SITINGS.get(siting, "420mpeg2") if layout.subsampling == "420" else layout.subsampling
