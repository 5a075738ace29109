"""Upscaling one video file to another."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from subpixel import __version__
from subpixel.errors import InvalidArgument, VideoWriteError
from subpixel.models.auto import Choice
from subpixel.models.files import Model
from subpixel.storage.file_kinds import file_kind
from subpixel.storage.interrupts import on_sudden_end, shielded
from subpixel.storage.locks import claim, remove_leftovers, scratch_file, scratch_path
from subpixel.storage.os_errors import write_errors_as
from subpixel.upscaler import MotionNetwork, Network, Upscaler
from subpixel.video.colour_tags import result_tags
from subpixel.video.containers import CONTAINERS, Container, container_of
from subpixel.video.encode_segments import SegmentEncoder
from subpixel.video.encoders import ENCODERS, Encoding, choose_encoding, default_encoder, siting_options
from subpixel.video.formats import Layout, layout_of
from subpixel.video.frame import FrameUpscaler
from subpixel.video.frame_upscalers import frame_upscaler
from subpixel.video.hdr import display_options, lost_side_data, unwritten_display_metadata
from subpixel.video.muxing import mux_video
from subpixel.video.output_name import output_path
from subpixel.video.segments import Journal, segment_packets
from subpixel.video.source_state import content_identity, unchanged_file
from subpixel.video.stream_selection import StreamSelection, select_streams
from subpixel.video.time_range import TimeRange
from subpixel.video.verification import find_differences
from subpixel.video.video_file import VideoFile, VideoStream, no_frame, open_video, probe_open

__all__ = ["Job", "Progress", "Result", "Settings"]

# Called with the number of encoded frames, and the number of all frames if it is known.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Settings:
    """How the result is encoded.

    Args:
        encoder: a name of :data:`subpixel.video.ENCODERS`: ``"x264"``, ``"x265"``, ``"svt-av1"``, ``"vp9"``, ``"ffv1"``
            or ``"prores"``. None for the default of the container and the frames: x264; x265 for more than 8 bits or
            gray; FFV1 for RGB; in WebM, VP9 or AV1.
        crf: quality, for encoders that have this setting; lower is better. None for the encoder's default.
        preset: speed; None for the encoder's default.
        pix_fmt: the pixel format to encode; None for the source's.
        options: additional options of libavcodec, see :func:`subpixel.video.parse_options`.
    """

    encoder: str | None = None
    crf: int | None = None
    preset: str | None = None
    pix_fmt: str | None = None
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Result:
    """What a job did.

    Args:
        destination: the file that was written.
        size_in: (width, height) of the source's frames.
        size_out: (width, height) of the result's frames.
        frames: the number of frames.
        resumed: how many of them an earlier run had encoded.
        notes: what could not be kept, what was damaged, and which networks were used, one sentence each.
        seconds: the working time of each stage: ``decode``, ``upscale`` and ``encode``.
        elapsed: the time of everything, in seconds.
        choice: the model, and why it was chosen.
    """

    destination: Path
    size_in: tuple[int, int]
    size_out: tuple[int, int]
    frames: int
    resumed: int
    notes: tuple[str, ...]
    seconds: dict[str, float]
    elapsed: float
    choice: Choice


@dataclass(frozen=True)
class _Plan:
    """Everything that is decided before the first frame is upscaled.

    Args:
        video: the source.
        destination: the file to write.
        layout: of the source's frames.
        encoding: how frames are encoded.
        choice: the model.
        network: the model's network.
        upscaler: upscales the frames.
        stream: the result's image.
        selection: the streams to copy.
        notes: what cannot be kept.
    """

    video: VideoFile
    destination: Path
    layout: Layout
    encoding: Encoding
    choice: Choice
    network: Network | MotionNetwork
    upscaler: FrameUpscaler
    stream: VideoStream
    selection: StreamSelection
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """Upscale one video file.

    Encoded segments are stored in a folder beside the destination until the video is complete. If a run is stopped, in
    whatever way, running an equal job again continues after its last segment.

    Args:
        source: the video.
        upscaler: of a luma network; for RGB videos, of any network.
        destination: the file to write; None for ``name_x2`` with the source's suffix beside the source, or ``.mkv`` if
            that container is not written here.
        settings: how the result is encoded.
        overwrite: replace an existing file. The source itself is never replaced.
        deinterlace: turn interlaced frames into progressive ones first.
        time_range: the part of the video to write; None for all.
        side_by_side: show the bicubic resize on the left.
        realtime: hold a frame rate by cheaper networks if needed. The result depends on the machine, and a stopped run
            cannot be resumed.
        rate: frames a second to hold; None for the video's own rate.
        on_note: called with each sentence about something that cannot be kept, before the work begins.
    """

    source: Path
    upscaler: Upscaler
    destination: Path | None = None
    settings: Settings = Settings()
    overwrite: bool = False
    deinterlace: bool = False
    time_range: TimeRange | None = None
    side_by_side: bool = False
    realtime: bool = False
    rate: Fraction | None = None
    on_note: Callable[[str], None] = lambda note: None

    def run(self, progress: Progress | None = None) -> Result:
        """Upscale the video.

        Args:
            progress: called with the number of encoded frames and the number of all frames (None if unknown), from a
                thread of its own.

        Raises:
            VideoReadError: the source is not a video, or cannot be decoded.
            VideoWriteError: the destination exists, cannot be written, or differs when it is read back.
            InvalidArgument, Unsupported: the settings do not fit the video or the container.
        """
        start = time.perf_counter()
        with unchanged_file(self.source) as check:
            return self._run(progress, start, check)

    def _run(self, progress: Progress | None, start: float, check: Callable[[], None]) -> Result:
        plan = self._plan()
        for note in plan.notes:
            self.on_note(note)
        with ExitStack() as stack:
            self._claim(stack, plan.destination)
            remove_leftovers(plan.destination.absolute().parent)
            folder = self._journal_folder(plan.destination)
            remove = partial(shutil.rmtree, folder, ignore_errors=True)
            tidy = remove if self.realtime else partial(Journal.tidy, folder)
            stack.enter_context(on_sudden_end(tidy))
            stack.callback(tidy)
            journal = Journal(folder, self._fingerprint(plan))
            segments = SegmentEncoder(
                plan.video,
                journal,
                plan.upscaler,
                plan.encoding,
                plan.stream,
                plan.layout,
                deinterlace=self.deinterlace,
                time_range=self.time_range,
            )
            total, resumed = self._expected_frames(plan.video), segments.frame_count
            segments.run(lambda done: progress(done, total) if progress else None)
            frames = segments.frame_count
            if not frames:
                raise no_frame(plan.video)
            self._write(plan, journal, stack, check)
        return Result(
            plan.destination,
            plan.video.stream.size,
            plan.stream.size,
            frames,
            resumed,
            (*plan.notes, *segments.notes, *plan.upscaler.notes()),
            segments.seconds,
            time.perf_counter() - start,
            plan.choice,
        )

    @property
    def can_resume(self) -> bool:
        """Whether an earlier run of this job left segments that another run continues after."""
        destination = self.destination or output_path(self.source, self.upscaler.target)
        return not self.realtime and Journal.has_segments(self._journal_folder(destination))

    @staticmethod
    def _journal_folder(destination: Path) -> Path:
        return scratch_path(destination, "video")

    def _plan(self) -> _Plan:
        """Read what the source consists of and decide everything else; all arguments are checked here."""
        destination = self.destination or output_path(self.source, self.upscaler.target)
        with open_video(self.source) as source:
            video = probe_open(source, self.source)
            self._check(destination)
            layout, container = layout_of(video.stream.pix_fmt, video.path), container_of(destination)
            encoding = self._encoding(video, layout, container)
            choice = self.upscaler.choose_by_codec(video.codec)
            network = self.upscaler.network(choice)
            upscaler = frame_upscaler(
                network, video, layout, side_by_side=self.side_by_side, realtime=self.realtime, rate=self.rate
            )
            stream, notes = _result_stream(video.stream, layout, encoding, upscaler.result_size, network.scale)
            lost_aspect = _lost_aspect(stream, encoding, container)
            if lost_aspect:
                stream = replace(stream, aspect=Fraction(1))
            codec = encoding.encoder.codec
            selection = select_streams(video, source, container, codec, self.time_range)
        notes = [*selection.notes, *notes, *lost_aspect, *lost_side_data(video.side_data)]
        notes += unwritten_display_metadata(codec, video.display)
        if layout.alpha:
            notes.append("its alpha channel is left out")
        return _Plan(video, destination, layout, encoding, choice, network, upscaler, stream, selection, tuple(notes))

    def _check(self, destination: Path) -> None:
        kind = file_kind(destination)
        if kind == "file" and os.path.samefile(destination, self.source):
            raise VideoWriteError(f"{destination}: the output is the input file; choose another output")
        if kind not in ("file", "missing"):
            raise VideoWriteError(f"{destination}: is a {kind}; the name of a file is needed")
        if kind == "file" and not self.overwrite:
            raise VideoWriteError(f"{destination}: exists already; overwrite=True replaces it")
        folder = destination.absolute().parent
        if not folder.is_dir():
            raise VideoWriteError(f"{destination}: there is no folder {folder}")
        if not os.access(folder, os.W_OK):
            raise VideoWriteError(f"{destination}: cannot be written: {folder} is read-only")

    def _claim(self, stack: ExitStack, destination: Path) -> None:
        with write_errors_as(VideoWriteError, destination):
            if not stack.enter_context(claim(destination)):
                raise VideoWriteError(f"{destination}: another run is writing it")

    def _encoding(self, video: VideoFile, layout: Layout, container: Container) -> Encoding:
        settings, default = self.settings, default_encoder(container.name, layout)
        codec = ENCODERS[settings.encoder if settings.encoder in ENCODERS else default].codec
        options = [*display_options(codec, video.display).items(), *siting_options(codec, video.stream.tags.siting)]
        return choose_encoding(
            settings.encoder,
            layout,
            default,
            self.upscaler.threads,
            pix_fmt=settings.pix_fmt,
            crf=settings.crf,
            preset=settings.preset,
            options=(*options, *settings.options),
        )

    def _fingerprint(self, plan: _Plan) -> dict[str, Any]:
        """Everything that the encoded frames depend on."""
        network = plan.network
        return {
            "version": __version__,
            "source": content_identity(plan.video.path),
            "model": [network.model.name, _weights_digest(network), network.backend, network.precision],
            "mix": [network.ensemble, network.strength],
            "encoding": plan.encoding.describe(),
            "video": repr(plan.stream),
            "deinterlace": self.deinterlace,
            "time_range": repr(self.time_range),
            "side_by_side": self.side_by_side,
            "realtime": uuid.uuid4().hex if self.realtime else None,
        }

    def _expected_frames(self, video: VideoFile) -> int | None:
        """The number of frames that the video's duration implies."""
        rate, duration = video.stream.rate, video.duration
        if rate is None or duration is None:
            return None
        if self.time_range is not None:
            end = duration if self.time_range.end is None else min(duration, self.time_range.end)
            duration = max(Fraction(0), end - self.time_range.start)
        return max(1, round(duration * rate))

    def _write(self, plan: _Plan, journal: Journal, stack: ExitStack, check: Callable[[], None]) -> None:
        """Write the video, verify it, and only then move it to its destination."""
        destination, track = plan.destination, _SegmentTrack(journal, plan.encoding, plan.stream)
        times = list(chain.from_iterable(segment.times for segment in journal.segments))
        with write_errors_as(VideoWriteError, destination):
            path = stack.enter_context(scratch_file(destination, destination.suffix))
        mux_video(plan.video, track, path, plan.selection, self.time_range)
        found = find_differences(plan.video, path, times, plan.stream, plan.selection, self.time_range, decode=False)
        if found:
            raise VideoWriteError(f"{destination}: the written file differs when it is read back: {'; '.join(found)}")
        check()
        with shielded(), write_errors_as(VideoWriteError, destination):
            path.replace(destination)
            journal.remove()


class _SegmentTrack:
    """The upscaled image of a journal's segments, as the muxer takes it."""

    def __init__(self, journal: Journal, encoding: Encoding, stream: VideoStream) -> None:
        self._journal, self._encoding, self._stream = journal, encoding, stream
        self.codec = encoding.encoder.codec

    def add_to(self, container: Any) -> Any:
        return self._encoding.add_to(container, self._stream)

    def packets(self) -> Iterator[Any]:
        return segment_packets(self._journal, self._stream.time_base)


def _result_stream(
    source: VideoStream, layout: Layout, encoding: Encoding, size: tuple[int, int], scale: int
) -> tuple[VideoStream, list[str]]:
    """The result's image, with the source's properties where they are not changed, and notes about its tags."""
    encoding.check_size(size)
    scaled = source.size[0] * scale, source.size[1] * scale  # of one half, if there are two
    tags, notes = result_tags(source.tags, source.size, scaled, rgb_in=layout.rgb, rgb_out=encoding.rgb)
    return replace(source, size=size, pix_fmt=encoding.pix_fmt, tags=tags), notes


def _lost_aspect(stream: VideoStream, encoding: Encoding, container: Container) -> list[str]:
    """A sentence, if neither the packets nor the container store the sample aspect ratio."""
    if stream.aspect == 1 or encoding.encoder.stores_aspect or container.aspect:
        return []
    aspect = f"{stream.aspect.numerator}:{stream.aspect.denominator}"
    encoders = " or ".join(f"encoder={each.name!r}" for each in ENCODERS.values() if each.stores_aspect)
    others = f"{', '.join(each.name for each in CONTAINERS if each.aspect)}, or {encoders}"
    return [
        f"{container} cannot store the sample aspect ratio ({aspect}) with encoder {encoding.encoder.name}; "
        f"{others} can"
    ]


def _weights_digest(network: Network | MotionNetwork) -> str:
    if not isinstance(network.model, Model):
        raise InvalidArgument(
            f"model '{network.model.name}' cannot upscale videos, since it is run by spandrel; other models can"
        )
    digest = hashlib.sha256(network.model.spec.to_json().encode())
    for name, weight in sorted(network.model.weights.items()):
        digest.update(name.encode() + np.ascontiguousarray(weight).tobytes())
    digest.update(repr(network.model.quantisation).encode())
    return digest.hexdigest()
