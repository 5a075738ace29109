"""Frames written as they are, for a player or another program behind a pipe: YUV4MPEG2, or NUT.

YUV4MPEG2 ("y4m") is a line of text and then planes; it knows Y, U, V and gray and one frame rate. NUT holds any format
and the time of each frame, but here not the shape of pixels: libavformat takes that from where PyAV cannot put it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import Any, BinaryIO, Literal, Protocol, cast, get_args

import av
import numpy as np

from subpixel.errors import InvalidArgument, Unsupported
from subpixel.video.encoders import configure_context
from subpixel.video.formats import Layout, planes_of
from subpixel.video.video_file import VideoStream

__all__ = ["PipeFormat", "Writer", "open_writer", "pipe_format"]

PipeFormat = Literal["y4m", "nut"]

# What y4m calls where chroma lies in 4:2:0 of 8 bits.
_SITINGS = {"left": "420mpeg2", "center": "420jpeg", "topleft": "420paldv"}
_NAMES = {"422": "422", "444": "444", "411": "411", "440": "440", "420": "420"}


class Writer(Protocol):
    """Takes frames in order."""

    def add(self, frame: Any, time: int) -> None:
        """The next frame, and its time in units of the video's time base."""


def pipe_format(name: str) -> PipeFormat:
    """The form of that name.

    Raises:
        InvalidArgument: there is none.
    """
    if name not in get_args(PipeFormat):
        raise InvalidArgument(f"format={name!r}: one of {', '.join(get_args(PipeFormat))} is needed on standard output")
    return cast(PipeFormat, name)


@contextmanager
def open_writer(
    form: PipeFormat, file: BinaryIO, video_stream: VideoStream, layout: Layout, siting: str
) -> Iterator[Writer]:
    """Writes frames to a file that need not be seekable; what is open is ended at the end.

    Args:
        form: which of the two.
        file: where to.
        video: of the frames.
        layout: likewise.
        siting: where chroma lies.

    Raises:
        Unsupported: y4m cannot say it.
    """
    if form == "y4m":
        yield _Y4m(file, video_stream, layout, siting)
        return
    with av.open(file, "w", format="nut") as container:
        nut = _Nut(container, video_stream, layout)
        yield nut
        nut.end()


class _Y4m:
    def __init__(self, file: BinaryIO, video_stream: VideoStream, layout: Layout, siting: str) -> None:
        self._file, self._layout = file, layout
        file.write((" ".join(_head(video_stream, layout, siting)) + "\n").encode())

    def add(self, frame: Any, time: int) -> None:
        self._file.write(b"FRAME\n")
        for plane in planes_of(frame, self._layout):
            self._file.write(np.ascontiguousarray(plane).data)


class _Nut:
    def __init__(self, container: Any, video_stream: VideoStream, layout: Layout) -> None:
        self._container = container
        self._stream: Any = container.add_stream("rawvideo", rate=video_stream.rate or Fraction(25))
        self._stream.time_base = video_stream.time_base
        # Codes of R, G, B have no other range than the full one.
        tags = replace(video_stream.tags, full_range=video_stream.tags.full_range or layout.rgb)
        configure_context(self._stream.codec_context, replace(video_stream, tags=tags), layout.name)

    def add(self, frame: Any, time: int) -> None:
        frame.pts = time
        self._container.mux(self._stream.encode(frame))

    def end(self) -> None:
        self._container.mux(self._stream.encode(None))


def _head(video_stream: VideoStream, layout: Layout, siting: str) -> Iterator[str]:
    if layout.rgb or layout.subsampling is None:
        raise Unsupported(f"y4m: pixel format {layout.name}; it holds Y, U, V and gray: -f nut holds it")
    rate = video_stream.rate or Fraction(25)
    yield f"YUV4MPEG2 W{video_stream.size[0]} H{video_stream.size[1]} F{rate.numerator}:{rate.denominator} Ip"
    yield f"A{video_stream.aspect.numerator}:{video_stream.aspect.denominator}"
    yield f"C{_chroma(layout, siting)}"
    yield f"XCOLORRANGE={'FULL' if video_stream.tags.full_range else 'LIMITED'}"


def _chroma(layout: Layout, siting: str) -> str:
    assert layout.subsampling is not None
    deep = layout.bits > 8
    if layout.subsampling == "gray":
        return f"mono{layout.bits}" if deep else "mono"
    if deep:
        return f"{layout.subsampling}p{layout.bits}"
    return _SITINGS.get(siting, "420mpeg2") if layout.subsampling == "420" else _NAMES[layout.subsampling]
