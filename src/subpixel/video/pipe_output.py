"""Upscaling a video into a pipe, frame by frame. Nothing is stored, so an interrupted run cannot be resumed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from subpixel.errors import VideoReadError, VideoWriteError
from subpixel.storage.memory import memory_errors
from subpixel.storage.os_errors import os_error_text
from subpixel.storage.pipes import PipeWriter
from subpixel.storage.standard_streams import is_input_stream, open_input, stream_name
from subpixel.upscaler import Upscaler
from subpixel.video.container_input import open_stream
from subpixel.video.decoding import (
    Damage,
    decode_packets,
    frames_in_span,
    frames_with_times,
    progressive_frames,
    read_frames,
)
from subpixel.video.formats import layout_of
from subpixel.video.frame import Frame
from subpixel.video.frame_limits import check_frame_size
from subpixel.video.frame_plan import plan_frames
from subpixel.video.frame_upscalers import chroma_siting
from subpixel.video.main_stream import main_stream
from subpixel.video.memory import check_memory
from subpixel.video.pipeline import Stages
from subpixel.video.source import probe_source
from subpixel.video.source_state import unchanged_file
from subpixel.video.stream_selection import image_losses
from subpixel.video.time_range import TimeRange, span_of
from subpixel.video.video_file import VideoFile, describe_file, no_frame
from subpixel.video.y4m_nut import PipeFormat, check_layout, format_for, open_writer

__all__ = ["PipeOutput", "PipeResult"]


@dataclass(frozen=True)
class PipeResult:
    """What was written to a pipe.

    Args:
        frames: the number of frames.
        seconds: the time it took.
        notes: sentences about the source and the networks used.
    """

    frames: int
    seconds: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PipeOutput:
    """Upscales a video into a pipe.

    Args:
        source: the path of a video, of images (see :class:`subpixel.video.request.Request`), or of a pipe, which is
            read while it is written to; the text ``-`` for standard input.
        upscaler: of a luma network; for RGB videos, of any network.
        format: ``"y4m"`` or ``"nut"``; None for the one that holds the frames.
        time_range: the part of the video to write; None for all.
        deinterlace: turn interlaced frames into progressive ones first.
        side_by_side: show the bicubic resize on the left.
        realtime: hold a frame rate by cheaper networks if needed.
        rate: frames a second to hold; None for the video's own rate.
        stream: the index of the video stream to upscale, as ``ffprobe`` counts; None for the default one.
        frame_rate: frames a second of images, see :class:`subpixel.video.request.Request`; None for 25.
    """

    source: Path | str
    upscaler: Upscaler
    format: PipeFormat | None = "y4m"
    time_range: TimeRange | None = None
    deinterlace: bool = False
    side_by_side: bool = False
    realtime: bool = False
    rate: Fraction | None = None
    stream: int | None = None
    frame_rate: Fraction | None = None

    def run(self, out: BinaryIO | PipeWriter) -> PipeResult:
        """Write frames until the video ends or the reader closes the pipe.

        Args:
            out: the pipe.

        Raises:
            VideoReadError: the source is not a video, cannot be decoded, or has no frame in the part to write.
            VideoWriteError: writing fails for another reason than a closed pipe.
            Unsupported: the format cannot hold the frames.
            OutOfMemory: there is not enough memory.
        """
        name = stream_name(str(self.source), "standard input")
        with memory_errors(name):
            if is_input_stream(self.source):
                return self._run_stream(name, out)
            return self._run_file(Path(self.source), out)

    def _run_file(self, path: Path, out: BinaryIO | PipeWriter) -> PipeResult:
        damage = Damage()
        with unchanged_file(path) as check:
            video = probe_source(path, self.frame_rate, self.stream)
            start = span_of(video, (), self.time_range).first_tick(video.stream.time_base)
            frames = read_frames(video, damage, start=start, deinterlace=self.deinterlace)
            result = self._write(video, video.compression, frames, damage, out, lambda: None)
            check()
        return result

    def _run_stream(self, name: str, out: BinaryIO | PipeWriter) -> PipeResult:
        damage = Damage()
        try:
            reader = open_input(str(self.source))
        except OSError as error:
            raise VideoReadError(f"{name}: {os_error_text(error)}") from None
        with reader, open_stream(reader, name) as container:
            stream = main_stream(container, Path(name), self.stream)
            decoded = decode_packets(container, stream, damage)
            first = next(decoded, None)
            if first is None:
                raise VideoReadError(f"{name}: no frame can be decoded")
            video = describe_file(container, Path(name), first, stream)
            damage.zero = video.first
            frames = frames_with_times(chain([first], decoded), stream, video, damage, deinterlace=self.deinterlace)
            # The codec in the pipe is usually raw video, which says nothing about the compression before it.
            return self._write(video, None, frames, damage, out, reader.cancel)

    def _write(
        self,
        video: VideoFile,
        codec: str | None,
        frames: Iterator[Frame],
        damage: Damage,
        out: BinaryIO | PipeWriter,
        cancel_input: Callable[[], None],
    ) -> PipeResult:
        layout = layout_of(video.stream.pix_fmt, video.path)
        pipe_format = self.format or format_for(layout)
        check_layout(pipe_format, layout, video.path)
        frames_by = plan_frames(self.upscaler, video.stream, codec, (layout.name,))
        upscaler = frames_by.upscaler(
            video, layout, side_by_side=self.side_by_side, realtime=self.realtime, rate=self.rate
        )
        span = span_of(video, (), self.time_range)
        zero = span.shift(video.stream.time_base)
        check_frame_size(upscaler.result_size)
        frames = frames_in_span(frames, span, video.stream.time_base)
        frames = progressive_frames(frames, video, self.deinterlace)
        check_memory(str(video.path), upscaler.result_size, layout, self.upscaler.threads, large=frames_by.large)
        video_stream = replace(video.stream, size=upscaler.result_size, aspect=frames_by.aspect, pix_fmt=layout.name)
        start, count = time.perf_counter(), 0

        def write(results: Iterator[Frame]) -> None:
            nonlocal count
            try:
                with open_writer(pipe_format, out, video_stream, layout, chroma_siting(video)) as writer:
                    for frame in results:
                        writer.add(frame.result, frame.time - zero)
                        count += 1
                out.flush()
            except BrokenPipeError:
                raise
            except OSError as error:
                raise VideoWriteError(f"standard output: {os_error_text(error)}") from None

        def cancel() -> None:
            cancel_input()
            if isinstance(out, PipeWriter):
                out.cancel()

        with suppress(BrokenPipeError):  # the reader closed the pipe
            Stages(frames, upscaler.push, upscaler.flush, write, cancel=cancel).run()
            if not count:
                raise no_frame(video)
        notes = (*frames_by.notes, *image_losses(video, None), *upscaler.notes(), *damage.notes())
        return PipeResult(count, time.perf_counter() - start, notes)
