"""Upscaling one video file to another."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from subpixel.errors import VideoWriteError
from subpixel.models.auto import Choice
from subpixel.storage.interrupts import on_sudden_end, shielded
from subpixel.storage.locks import claim, remove_leftovers, scratch_file, scratch_path
from subpixel.storage.memory import memory_errors
from subpixel.storage.os_errors import write_errors_as
from subpixel.video.encode_segments import SegmentEncoder
from subpixel.video.encoders import Encoding
from subpixel.video.frame_work import frame_work
from subpixel.video.muxing import mux_video
from subpixel.video.pace import Pace, PaceMeter
from subpixel.video.provenance import Provenance, append_provenance, provenance_metadata
from subpixel.video.request import Plan, Request, Settings
from subpixel.video.segments import Journal, segment_packets
from subpixel.video.source_state import unchanged_file
from subpixel.video.verification import find_differences
from subpixel.video.video_file import VideoStream, no_frame

__all__ = ["Job", "Progress", "Result", "Settings"]

# Called with the number of encoded frames, and the number of all frames if it is known.
Progress = Callable[[int, int | None], None]


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
        seconds: for which each stage worked, without waiting: ``decode``, ``upscale`` and ``encode``. They work at the
            same time.
        elapsed: the time of everything, in seconds.
        choice: the model, and why it was chosen.
        done_before: whether the file was there, made from the same video with the same settings. Then nothing was done.
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
    done_before: bool = False


@dataclass(frozen=True)
class Job(Request):
    """Upscale one video file.

    Encoded segments are stored in a folder beside the destination until the video is complete. If a run is stopped, in
    whatever way, running an equal job again continues after its last segment.

    All other arguments are those of :class:`subpixel.video.request.Request`.

    Args:
        on_note: called with each sentence about something that cannot be kept, before the work begins.
        on_start: called before the first frame with what will be made, and how many frames an earlier run encoded.
        on_pace: called after each encoded frame with how far the work is and how fast, from a thread of its own.
        copy_time: the result gets the modification time of the source, also one that was done before.
    """

    on_note: Callable[[str], None] = lambda note: None
    on_start: Callable[[Plan, int], None] = lambda plan, resumed: None
    on_pace: Callable[[Pace], None] = lambda pace: None
    copy_time: bool = False

    def run(self, progress: Progress | None = None) -> Result:
        """Upscale the video.

        Args:
            progress: called with the number of encoded frames and the number of all frames (None if unknown), from a
                thread of its own.

        Raises:
            VideoReadError: the source is not a video, or cannot be decoded.
            VideoWriteError: the destination is another result, cannot be written, or differs when it is read back.
            InvalidArgument, Unsupported: the settings do not fit the video or the container.
            OutOfMemory: there is not enough memory.
        """
        with memory_errors(str(self.source)), unchanged_file(self.source) as check:
            return self._run(progress, check)

    def _run(self, progress: Progress | None, check: Callable[[], None]) -> Result:
        start = time.perf_counter()
        plan = self.plan()
        if plan.earlier is not None:
            if self.copy_time:
                self._copy_time(plan.destination)
            return self._done_before(plan, plan.earlier, time.perf_counter() - start)
        for note in plan.notes:
            self.on_note(note)
        with ExitStack() as stack:
            if self.makes_folder:
                with write_errors_as(VideoWriteError, plan.destination):
                    plan.destination.parent.mkdir(parents=True, exist_ok=True)
            self._claim(stack, plan.destination)
            remove_leftovers(plan.destination.absolute().parent)
            folder = self._journal_folder(plan.destination)
            remove = partial(shutil.rmtree, folder, ignore_errors=True)
            tidy = remove if self.realtime else partial(Journal.tidy, folder)
            stack.enter_context(on_sudden_end(tidy))
            stack.callback(tidy)
            settings = self.fingerprint(plan)
            # Without deinterlacing, an interlaced frame ends the work. What was done until then is progressive, and
            # deinterlacing would not have changed it.
            equal = [{**settings, "deinterlace": False}] if self.deinterlace else []
            journal = Journal(folder, settings, equal, plan.destination)
            segments = SegmentEncoder(
                plan.video,
                journal,
                plan.upscaler,
                plan.encoding,
                plan.stream,
                plan.layout,
                deinterlace=self.deinterlace,
                span=plan.selection.span,
                work=frame_work(plan.frames_by.networks, plan.video.stream.size, ensemble=self.upscaler.ensemble),
            )
            total, resumed = plan.frames, segments.frame_count
            self.on_start(plan, resumed)
            meter = PaceMeter(total, resumed)

            def follow(done: int) -> None:
                if progress is not None:
                    progress(done, total)
                self.on_pace(meter(done, segments.seconds))

            segments.run(follow)
            frames = segments.frame_count
            if not frames:
                raise no_frame(plan.video)
            notes = self._write(plan, journal, stack, check)
        return Result(
            plan.destination,
            plan.video.stream.size,
            plan.stream.size,
            frames,
            resumed,
            tuple(dict.fromkeys([*plan.notes, *segments.notes, *notes, *plan.upscaler.notes()])),
            segments.seconds,
            time.perf_counter() - start,
            plan.choice,
        )

    @property
    def can_resume(self) -> bool:
        """Whether an earlier run of this job left segments that another run continues after."""
        return not self.realtime and any(map(Journal.has_segments, map(self._journal_folder, self.destinations())))

    @staticmethod
    def _journal_folder(destination: Path) -> Path:
        return scratch_path(destination, "video")

    @staticmethod
    def _done_before(plan: Plan, earlier: Provenance, elapsed: float) -> Result:
        sizes = plan.video.stream.size, plan.stream.size
        frames, seconds = earlier.frames, dict.fromkeys(("decode", "upscale", "encode"), 0.0)
        return Result(plan.destination, *sizes, frames, frames, (), seconds, elapsed, plan.choice, done_before=True)

    def _claim(self, stack: ExitStack, destination: Path) -> None:
        with write_errors_as(VideoWriteError, destination):
            if not stack.enter_context(claim(destination)):
                raise VideoWriteError(f"{destination}: another run is writing it")

    def _copy_time(self, path: Path, name: Path | None = None) -> None:
        """Give a file the modification time of the source; errors call it ``name``."""
        with write_errors_as(VideoWriteError, name or path):
            times = os.stat(path).st_atime_ns, os.stat(self.source).st_mtime_ns
            os.utime(path, ns=times)

    def _write(self, plan: Plan, journal: Journal, stack: ExitStack, check: Callable[[], None]) -> list[str]:
        """Write the video, verify it, and only then move it to its destination; return notes."""
        destination, track = plan.destination, _SegmentTrack(journal, plan.encoding, plan.stream)
        times = list(chain.from_iterable(segment.times for segment in journal.segments))
        with write_errors_as(VideoWriteError, destination):
            path = stack.enter_context(scratch_file(destination, destination.suffix))
        provenance, container = self.provenance(plan, len(times)), plan.selection.container
        metadata = provenance_metadata(container, provenance)
        notes = mux_video(plan.video, track, path, plan.selection, metadata, name=destination)
        with write_errors_as(VideoWriteError, destination):
            append_provenance(path, container, provenance)
        found = find_differences(plan.video, path, times, plan.stream, plan.selection, decode=False)
        if found:
            raise VideoWriteError(f"{destination}: the written file differs when it is read back: {'; '.join(found)}")
        check()
        if self.copy_time:
            self._copy_time(path, destination)
        with shielded(), write_errors_as(VideoWriteError, destination):
            path.replace(destination)
            journal.remove()
        return notes


class _SegmentTrack:
    """The upscaled image of a journal's segments, as the muxer takes it."""

    def __init__(self, journal: Journal, encoding: Encoding, stream: VideoStream) -> None:
        self._journal, self._encoding, self._stream = journal, encoding, stream
        self.codec = encoding.encoder.codec

    def add_to(self, container: Any) -> Any:
        return self._encoding.add_to(container, self._stream)

    def packets(self) -> Iterator[Any]:
        return segment_packets(self._journal, self._stream.time_base)
