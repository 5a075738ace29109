"""A video upscaled into a pipe, frame by frame as it comes: nothing is kept, so nothing can be resumed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from subpixel.errors import Unsupported, VideoReadError, VideoWriteError
from subpixel.storage.os_errors import os_error_text
from subpixel.upscaler import Upscaler
from subpixel.video.decoding import Damage, DecodedFrame, decoded, read_frames, timed
from subpixel.video.formats import layout_of
from subpixel.video.frame_upscalers import UpscaledFrame, way_of
from subpixel.video.pipeline import Stages
from subpixel.video.time_range import Window
from subpixel.video.video_file import VideoFile, describe_file, main_stream, open_video, probe
from subpixel.video.y4m_nut import PipeFormat, open_writer

__all__ = ["PipeOutput", "PipeResult"]


@dataclass(frozen=True)
class PipeResult:
    """How many frames were written, in how many seconds, and what there is to say of it."""

    frames: int
    seconds: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PipeOutput:
    """Upscale a video into a pipe.

    Args:
        source: the video; ``-`` for standard input.
        upscaler: of a luma network; of any for videos of R, G, B.
        form: ``y4m`` or ``nut``.
        window: a part of it; None for all.
        deinterlace: make whole frames of interlaced ones first.
        beside: the plain resize on the left.
        realtime: hold a rate by cheaper networks.
        rate: frames a second to hold; None for the video's own.
    """

    source: Path
    upscaler: Upscaler
    form: PipeFormat = "y4m"
    window: Window | None = None
    deinterlace: bool = False
    beside: bool = False
    realtime: bool = False
    rate: Fraction | None = None

    def run(self, out: BinaryIO) -> PipeResult:
        """Do it, until the video ends or nobody reads any more.

        Raises:
            VideoReadError: the source is no video, or cannot be decoded.
            VideoWriteError: the pipe cannot be written, for another reason than that its reader went away.
            Unsupported: frames that the form cannot hold.
        """
        damage = Damage()
        if str(self.source) != "-":
            video = probe(self.source)
            start = None if self.window is None else self.window.first(video.stream.time_base)
            return self._write(
                video, read_frames(video, damage, start=start, deinterlace=self.deinterlace), damage, out
            )
        with open_video(self.source) as container:
            stream = main_stream(container, self.source)
            frames = decoded(container, stream, damage)
            first = next(frames, None)
            if first is None:
                raise VideoReadError("standard input: holds no frame that can be decoded")
            video = describe_file(container, Path("standard input"), first)
            whole = timed(chain([first], frames), stream, video, damage, deinterlace=self.deinterlace)
            return self._write(video, whole, damage, out)

    def _write(self, video: VideoFile, frames: Iterator[DecodedFrame], damage: Damage, out: BinaryIO) -> PipeResult:
        layout = layout_of(video.stream.pix_fmt, video.path)
        if self.form == "y4m" and layout.rgb:
            raise Unsupported(f"{video.path}: its frames are R, G, B, which y4m does not hold; -f nut does")
        # Nothing is known of standard input when its network is chosen.
        codec = None if str(self.source) == "-" else video.codec
        network = self.upscaler.network(self.upscaler.choose_by_codec(codec))
        way = way_of(network, video, layout, beside=self.beside, realtime=self.realtime, rate=self.rate)
        if self.window is not None:
            frames = self.window.frames(frames, video.stream.time_base)
        video_stream = replace(video.stream, size=way.result_size, pix_fmt=layout.name)
        begun, count = time.perf_counter(), 0

        def write(result: Iterator[UpscaledFrame]) -> None:
            nonlocal count
            try:
                with open_writer(self.form, out, video_stream, layout, way.siting) as at_work:
                    for each in result:
                        at_work.add(each.frame, each.source.time)
                        count += 1
                out.flush()
            except OSError as error:
                if not isinstance(error, BrokenPipeError):
                    raise VideoWriteError(f"standard output: {os_error_text(error)}") from None
                raise

        with suppress(BrokenPipeError):  # whoever looked has seen enough
            Stages(frames, way.push, way.flush, write).run()
        return PipeResult(count, time.perf_counter() - begun, (*way.notes(), *damage.notes()))
