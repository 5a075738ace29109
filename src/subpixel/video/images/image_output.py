"""Upscaling a video, or a sequence of images, to one image for each frame."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path

from subpixel import __version__
from subpixel.errors import InvalidArgument, Unsupported, VideoWriteError
from subpixel.image.files.formats import format_of
from subpixel.image.files.provenance import Provenance
from subpixel.storage.locks import claim, remove_leftovers, scratch_file
from subpixel.storage.memory import memory_errors
from subpixel.storage.os_errors import write_errors_as
from subpixel.storage.temporary import temporary_folder
from subpixel.upscaler import Upscaler
from subpixel.video.containers import content_metadata
from subpixel.video.decoding import Damage, frames_in_span, interlaced_frame, progressive_frames, read_frames
from subpixel.video.estimate import Estimate
from subpixel.video.fingerprints import video_identity, weights_digest
from subpixel.video.formats import Layout, layout_of
from subpixel.video.frame import Frame, FrameUpscaler, StillUpscaler
from subpixel.video.frame_limits import check_frame_size, encoding_memory
from subpixel.video.frame_plan import FramePlan, plan_frames
from subpixel.video.frame_upscalers import chroma_siting
from subpixel.video.images.frame_files import FrameFiles, check_place, make_folder
from subpixel.video.images.frame_rate import rate_text
from subpixel.video.images.frame_times import constant_rate, timestamps_text
from subpixel.video.images.number_pattern import NumberPattern
from subpixel.video.images.sequence import find_sequence
from subpixel.video.images.sequence_output import estimate_sequence, upscale_sequence
from subpixel.video.job import Progress, Result
from subpixel.video.memory import check_memory
from subpixel.video.pace import Pace, PaceMeter
from subpixel.video.packet_scan import scan_packets
from subpixel.video.pipeline import Stages
from subpixel.video.request import Settings
from subpixel.video.source import probe_source
from subpixel.video.source_state import unchanged_file
from subpixel.video.stream_selection import image_losses
from subpixel.video.time_range import Span, TimeRange, span_of
from subpixel.video.video_file import VideoFile, no_frame

__all__ = ["ImageOutput"]

# Images that are compressed at the same time, at most: each takes one thread, and the memory below.
_MOST_WRITERS = 8
# Bytes for each pixel of an image on its way: planes of floats, samples, and what the writer holds. Measured.
_WRITER = 40
# A trial ends after so many frames, or seconds.
_MOST_FRAMES, _MOST_SECONDS = 24, 3.0


@dataclass(frozen=True)
class _Plan:
    video: VideoFile
    layout: Layout
    frames_by: FramePlan
    upscaler: FrameUpscaler
    span: Span
    files: FrameFiles
    frames: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ImageOutput:
    """Upscale a video to one image for each frame.

    Every image is complete when it appears, and states which frame of which video it is and how it was made. If a run
    is stopped, an equal one keeps the images that are there: it decodes from the beginning and makes the others.

    A sequence of images goes to images as each image would by itself (:class:`subpixel.image.Job`), with its metadata.

    Args:
        source: a video or images, as of :class:`subpixel.video.request.Request`.
        upscaler: of a luma network; for R, G, B, of any network.
        destination: the names of the images, such as ``frames/%04d.png``; the suffix chooses the format: png, tif, jpg,
            webp, avif or gif. A folder that does not exist is created.
        start_number: of the first image; None for 1, and for the numbers of images that were named by a pattern.
        overwrite: replace files that exist. Images that are as they would be written are kept in any case.
        deinterlace: turn interlaced frames into progressive ones first.
        time_range: the part of the video to write; None for all.
        side_by_side: show the bicubic resize on the left.
        frame_rate: frames a second of images, where a part of them is wanted; None for 25.
        on_note: called with each sentence about something that cannot be kept, before the work begins.
        stream: the index of the video stream to upscale; None for the default one.
        on_pace: called after each image with how far the work is and how fast, from a thread of its own.
    """

    source: Path
    upscaler: Upscaler
    destination: Path
    start_number: int | None = None
    overwrite: bool = False
    deinterlace: bool = False
    time_range: TimeRange | None = None
    side_by_side: bool = False
    frame_rate: Fraction | None = None
    on_note: Callable[[str], None] = lambda note: None
    stream: int | None = None
    on_pace: Callable[[Pace], None] = lambda pace: None

    def __post_init__(self) -> None:
        if self.start_number is not None and not 0 <= self.start_number < 1 << 31:
            raise InvalidArgument(f"start_number={self.start_number}: a number of 0 or more is needed")
        format_of(self.destination)

    @staticmethod
    def is_wanted(destination: str | os.PathLike[str] | None) -> bool:
        """Whether a destination names images, one for each frame.

        Raises:
            InvalidArgument: it seems to, and is not written right.

        >>> ImageOutput.is_wanted("frames/%04d.png"), ImageOutput.is_wanted("film.mkv")
        (True, False)
        """
        return destination is not None and NumberPattern.of(destination) is not None

    def check_settings(self, settings: Settings) -> None:
        """Check that nothing is asked of an encoder of videos.

        Raises:
            InvalidArgument: something is.
        """
        for field in fields(settings):
            value = getattr(settings, field.name)
            if value != field.default:
                name = "encoder_options" if field.name == "options" else field.name
                raise InvalidArgument(f"{name}= is for videos, and {self.destination} are images")

    @property
    def can_resume(self) -> bool:
        """Whether images are there that an equal run would keep."""
        return bool(self._pattern.existing())

    def run(self, progress: Progress | None = None) -> Result:
        """Write the images.

        Args:
            progress: called with the number of images that are done and the number of all (None if unknown), from a
                thread of its own.

        Raises:
            VideoReadError, ImageReadError: the source cannot be read or decoded.
            VideoWriteError, ImageWriteError: another file is in the way, or an image cannot be written.
            InvalidArgument, Unsupported: what was asked for does not fit the video or the format.
            OutOfMemory: there is not enough memory.
        """
        if self._is_sequence:
            return upscale_sequence(self, self._pattern, self._follow(progress, dict))
        with memory_errors(str(self.source)), unchanged_file(self.source) as check:
            start = time.perf_counter()
            plan = self.plan()
            for note in plan.notes:
                self.on_note(note)
            return self._run(plan, start, progress, check)

    def estimate(self) -> Estimate:
        """What :meth:`run` would do, with time and memory; nothing is written.

        Raises:
            SubpixelError: as the run would end, as far as it can be known before the work.
        """
        if self._is_sequence:
            return estimate_sequence(self, self._pattern)
        with memory_errors(str(self.source)), unchanged_file(self.source):
            plan = self.plan()
            done = plan.files.done()
            seconds = _trial(self, plan)
        size, form = plan.files.size, format_of(self.destination)
        memory = encoding_memory(plan.upscaler.result_size, None, plan.layout, plan.frames_by.large)
        frames = plan.frames
        return Estimate(
            self.destination,
            plan.video.stream.size,
            size,
            frames,
            f"{form.name}, {8 * plan.files.dtype.itemsize} bits",
            "an image for each frame",
            (),
            0,
            plan.notes,
            plan.frames_by.choice,
            memory + self._writers * _WRITER * size[0] * size[1],
            None if frames is None else seconds * max(0, frames - len(done)),
            done_before=len(done) == frames,
        )

    def plan(self) -> _Plan:
        """Read what the source consists of and decide everything else; all arguments are checked here.

        Raises:
            SubpixelError: the images cannot be written.
        """
        check_place(self._pattern, self.source)
        video = probe_source(self.source, self.frame_rate, self.stream)
        layout = layout_of(video.stream.pix_fmt, video.path)
        frames_by = plan_frames(self.upscaler, video.stream, video.compression, (layout.name,))
        upscaler = frames_by.upscaler(video, layout, side_by_side=self.side_by_side)
        size, large = upscaler.result_size, frames_by.large
        try:
            check_frame_size(size)
        except Unsupported as error:
            raise Unsupported(f"{video.path}: {error}") from None
        check_memory(str(self.source), size, layout, self.upscaler.threads, large=large)
        span = span_of(video, (), self.time_range)
        stream = replace(video.stream, size=size, aspect=frames_by.aspect)
        provenance = self._provenance(video, frames_by, span, layout)
        first = 1 if self.start_number is None else self.start_number
        siting, before = chroma_siting(video), video.stream.size
        files = FrameFiles(self._pattern, first, provenance, stream, layout, siting, before, self.overwrite)
        files.check()
        scan = scan_packets(video, span)
        if scan.interlaced is not None and not self.deinterlace:
            raise interlaced_frame(video, scan.interlaced)
        notes = (*scan.notes, *frames_by.notes, *image_losses(video, None), *_left_out(video), *files.notes())
        video = replace(video, timeline=scan.timeline)
        frames = scan.frames
        return _Plan(video, layout, frames_by, upscaler, span, files, frames, tuple(dict.fromkeys(notes)))

    @cached_property
    def _pattern(self) -> NumberPattern:
        pattern = NumberPattern.of(self.destination)
        if pattern is None:
            raise InvalidArgument(f"{self.destination}: the name of images needs a number, as in %04d.png")
        return pattern

    @property
    def _is_sequence(self) -> bool:
        return find_sequence(self.source) is not None

    @property
    def _writers(self) -> int:
        return min(self.upscaler.threads, _MOST_WRITERS)

    def _provenance(self, video: VideoFile, frames_by: FramePlan, span: Span, layout: Layout) -> Provenance:
        networks = [
            [network.model.name, weights_digest(network), network.backend, network.precision, network.flat]
            for network in frames_by.networks
        ]
        settings = {
            "networks": networks,
            "sizes": str(frames_by.sizes),
            "mix": [self.upscaler.ensemble, self.upscaler.strength],
            "layout": repr(layout),
            "stream": repr(video.stream),
            "deinterlace": self.deinterlace,
            "span": repr(span),
            "side_by_side": self.side_by_side,
        }
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()
        source = hashlib.sha256(json.dumps(video_identity(video)).encode()).hexdigest()
        size = self.upscaler.target.label.removeprefix("x")
        return Provenance(frames_by.choice.model, size, __version__, source, f"video sha256:{digest}")

    def _run(self, plan: _Plan, start: float, progress: Progress | None, check: Callable[[], None]) -> Result:
        files, pattern, damage = plan.files, self._pattern, Damage()
        earlier = files.done()
        times_path = pattern.folder / f"{pattern.before}timestamps.txt"
        if not earlier and not self.overwrite and os.path.lexists(times_path):
            raise VideoWriteError(f"{times_path}: exists already; overwrite=True replaces it")
        make_folder(pattern)
        remove_leftovers(pattern.folder)
        with write_errors_as(VideoWriteError, pattern.folder):
            claimed = claim(self.destination)
        with claimed as ours:
            if not ours:
                raise VideoWriteError(f"{self.destination}: another run is writing these images")
            writing = _Writing(plan, earlier, self._writers, self._follow(progress, lambda: stages.seconds))
            with closing(_source_frames(self, plan, damage)) as frames:
                stages = Stages(frames, writing.push, plan.upscaler.flush, writing.write_all)
                stages.run()
            if not writing.times:
                raise no_frame(plan.video)
            check()
            notes = [*self._write_times(plan, writing.times, times_path), *_remaining(files, len(writing.times))]
        count, made = len(writing.times), writing.made
        all_notes = (*plan.notes, *writing.notes, *damage.notes(), *plan.upscaler.notes(), *notes)
        return Result(
            self.destination,
            plan.video.stream.size,
            files.size,
            count,
            count - made,
            tuple(dict.fromkeys(all_notes)),
            stages.seconds,
            time.perf_counter() - start,
            plan.frames_by.choice,
            done_before=not made,
        )

    def _follow(self, progress: Progress | None, worked: Callable[[], Mapping[str, float]]) -> Progress:
        """A progress that also tells the pace, by the seconds that the stages worked."""
        meters: list[PaceMeter] = []

        def follow(done: int, total: int | None) -> None:
            if progress is not None:
                progress(done, total)
            if not meters:
                meters.append(PaceMeter(total, done))
            self.on_pace(meters[0](done, worked()))

        return follow

    def _write_times(self, plan: _Plan, times: list[int], path: Path) -> Iterator[str]:
        """Say how far apart frames are, and write their times if no rate says it."""
        tick = plan.video.stream.time_base
        rate = constant_rate(times, tick, plan.video.stream.rate)
        if rate is not None:
            text = rate_text(rate)
            value = repr(text) if "/" in text else text
            yield f"{text} frames a second: frame_rate={value} would make a video of these images that is as fast"
        elif len(times) > 1:
            content = timestamps_text(times, tick)
            with suppress(OSError), open(path, encoding="ascii") as file:
                if file.read() == content:
                    return
            with write_errors_as(VideoWriteError, path), scratch_file(path, ".txt") as scratch:
                scratch.write_text(content, encoding="ascii")
                scratch.replace(path)
            yield f"the frames are not equally far apart: their times are in {path} (timestamp format v2 of mkvmerge)"


class _Writing:
    """The frames of one run on their way into files.

    Args:
        plan: of the run.
        earlier: the numbers of the frames, from 0, whose files an earlier run wrote.
        writers: how many files are written at the same time.
        progress: see :meth:`ImageOutput.run`.
    """

    def __init__(self, plan: _Plan, earlier: set[int], writers: int, progress: Progress | None) -> None:
        self._plan, self._earlier, self._writers, self._progress = plan, earlier, writers, progress
        # The result of one frame may depend on the frames before it.
        self._may_skip = isinstance(plan.upscaler, StillUpscaler)
        self._pushed = self._done = 0
        self.times: list[int] = []
        self.notes: dict[str, None] = {}
        self.made = 0

    def push(self, frame: Frame) -> list[Frame]:
        """Upscale a frame; one whose file is there is left as it is, where no other depends on it."""
        index = self._pushed
        self._pushed += 1
        return [frame] if self._may_skip and index in self._earlier else self._plan.upscaler.push(frame)

    def write_all(self, frames: Iterator[Frame]) -> None:
        """Write the images of all frames that have none yet."""
        waiting: deque[Future[tuple[str, ...]] | None] = deque()
        with ThreadPoolExecutor(self._writers) as pool:
            for index, frame in enumerate(frames):
                self.times.append(frame.time)
                if index in self._earlier:
                    waiting.append(None)
                else:
                    waiting.append(pool.submit(self._plan.files.write, index, frame.result))
                    self.made += 1
                while waiting and (len(waiting) >= self._writers or waiting[0] is None):
                    self._finish(waiting.popleft())
            while waiting:
                self._finish(waiting.popleft())

    def _finish(self, image: Future[tuple[str, ...]] | None) -> None:
        if image is not None:
            self.notes.update(dict.fromkeys(image.result()))
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._plan.frames)


def _source_frames(job: ImageOutput, plan: _Plan, damage: Damage) -> Generator[Frame]:
    time_base = plan.video.stream.time_base
    frames = read_frames(plan.video, damage, start=plan.span.first_tick(time_base), deinterlace=job.deinterlace)
    with closing(frames):
        yield from progressive_frames(frames_in_span(frames, plan.span, time_base), plan.video, job.deinterlace)


def _trial(job: ImageOutput, plan: _Plan) -> float:
    """Seconds for a frame: the first frames of the part go the way of all frames, into a temporary folder."""
    started, count = time.perf_counter(), 0
    with temporary_folder() as folder:
        pattern = replace(plan.files.pattern, folder=folder)
        writing = _Writing(replace(plan, files=replace(plan.files, pattern=pattern)), set(), job._writers, None)

        def some() -> Iterator[Frame]:
            nonlocal count
            with closing(_source_frames(job, plan, Damage())) as frames:
                for frame in islice(frames, _MOST_FRAMES):
                    count += 1
                    yield frame
                    if time.perf_counter() - started > _MOST_SECONDS:
                        return

        Stages(some(), writing.push, plan.upscaler.flush, writing.write_all).run()
    if not count:
        raise no_frame(plan.video)
    return (time.perf_counter() - started) / count


def _left_out(video: VideoFile) -> Iterator[str]:
    """A sentence, if the video has anything that images do not hold."""
    parts = [str(stream) for stream in video.others if not stream.chapters]
    if video.chapters:
        parts.append(f"{len(video.chapters)} chapter{'s'[: len(video.chapters) > 1]}")
    if video.display:
        parts.append("what HDR10 says of the display")
    own = {**content_metadata(video.metadata), **content_metadata(video.streams[video.main].metadata)}
    names = [name.encode("utf-8", "replace").decode() for name in sorted(own) if name not in ("language", "name")]
    if names:
        parts.append(f"metadata ({', '.join(names)})")
    if parts:
        yield f"left out, as images hold the frames only: {', '.join(parts)}"


def _remaining(files: FrameFiles, count: int) -> Iterator[str]:
    others = files.remaining(count)
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        yield f"{others[0]}{more}: of another run, beyond the {count} frames of this one, and left as it was"
