"""The upscaled image of a video, made segment by segment into a journal's folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.video.decoding import Damage, DecodedFrame, read_frames
from subpixel.video.encoders import Encoding
from subpixel.video.formats import Layout, planes_of
from subpixel.video.frame_upscalers import UpscaledFrame, Way
from subpixel.video.pipeline import Stages
from subpixel.video.segments import Journal, SegmentWriter
from subpixel.video.time_range import Window
from subpixel.video.video_file import VideoFile, VideoStream

__all__ = ["SEGMENT_FRAMES", "SegmentEncoder"]

# Frames of a segment: as many as encoders put between key frames by themselves, so that there are hardly more of them.
# What is lost by a crash is made again in seconds.
SEGMENT_FRAMES = 240


@dataclass(frozen=True)
class _Made:
    """An upscaled frame; behind the last one of a segment also what the way goes on from."""

    upscaled: UpscaledFrame
    state: dict[str, NDArray[Any]] | None


class SegmentEncoder:
    """Makes a video's upscaled image, or goes on with it.

    Args:
        video: the source.
        journal: where segments are put; those in it count as done.
        way: how frames are upscaled.
        encoding: how frames are encoded.
        video: what they are encoded as.
        layout: of the source's frames.
        deinterlace: make whole frames of interlaced ones.
        window: the part that is wanted; None for all.
    """

    def __init__(
        self,
        video: VideoFile,
        journal: Journal,
        way: Way,
        encoding: Encoding,
        video_stream: VideoStream,
        layout: Layout,
        *,
        deinterlace: bool = False,
        window: Window | None = None,
    ) -> None:
        self.video, self.journal, self.encoding, self.stream = video, journal, encoding, video_stream
        self._way, self._layout, self._deinterlace, self._window = way, layout, deinterlace, window
        self._damage = Damage()
        self._told: tuple[str, ...] = journal.segments[-1].notes if journal.segments else ()
        self._count = self.done
        self.seconds: dict[str, float] = {}

    @property
    def done(self) -> int:
        """Frames of all segments that are whole."""
        return sum(len(segment.times) for segment in self.journal.segments)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was wrong with the video, as far as it was decoded."""
        return tuple(dict.fromkeys([*self._told, *self._damage.notes()]))

    def run(self, progress: Callable[[int], None]) -> None:
        """Make all that is missing.

        Args:
            progress: is told how many frames are encoded, from a thread of its own.
        """
        if self.journal.segments and self.journal.segments[-1].ends:
            return
        if self.journal.segments:
            self._way.restore(self.journal.state())
        with closing(self._source()) as source:
            stages = Stages(source, self._push, self._rest, lambda result: self._encode(result, progress))
            try:
                stages.run()
            finally:
                self.seconds = {name: clock.seconds for name, clock in stages.clocks.items()}

    def _source(self) -> Generator[DecodedFrame]:
        """The frames that are still to be made."""
        frames = self._after_the_last() if self.journal.segments else self._frames(self._start)
        with closing(frames):
            yield from frames if self._window is None else self._window.frames(frames, self.video.stream.time_base)

    @property
    def _start(self) -> int | None:
        return None if self._window is None else self._window.first(self.video.stream.time_base)

    def _frames(self, start: int | None) -> Generator[DecodedFrame]:
        return read_frames(self.video, self._damage, start=start, deinterlace=self._deinterlace)

    def _after_the_last(self) -> Generator[DecodedFrame]:
        """Goes on behind the last segment: found by its last frame's time, and known by its digest.

        Where a video cannot be entered in the middle with the same outcome, it is decoded from its beginning.
        """
        last = self.journal.segments[-1]
        frames = self._frames(last.times[-1])
        first = next(frames, None)
        if first is None or first.time != last.times[-1] or self._mark(first.frame) != last.mark:
            self._damage.forget()
            frames = (timed for timed in self._frames(self._start) if timed.time >= last.times[-1])
            next(frames, None)
        return frames

    def _mark(self, frame: Any) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for plane in planes_of(frame, self._layout):
            digest.update(np.ascontiguousarray(plane).data)
        return digest.hexdigest()

    def _push(self, timed: DecodedFrame) -> list[_Made]:
        return [self._made(each) for each in self._way.push(timed)]

    def _rest(self) -> list[_Made]:
        return [self._made(each) for each in self._way.flush()]

    def _made(self, upscaled: UpscaledFrame) -> _Made:
        upscaled.frame.pts, upscaled.frame.time_base = upscaled.source.time, self.video.stream.time_base
        self._count += 1
        return _Made(upscaled, None if self._count % SEGMENT_FRAMES else self._way.state())

    def _encode(self, result: Iterator[_Made], progress: Callable[[int], None]) -> None:
        done = self.done
        following = next(result, None)
        while following is not None:
            context = self.encoding.context(self.stream)
            with SegmentWriter(self.journal, context) as writer:
                for each in chain([following], result):
                    source = each.upscaled.source
                    writer.add(self.encoding.converted(each.upscaled.frame, self.stream), source.time)
                    done += 1
                    progress(done)
                    if each.state is not None:
                        break
                following = next(result, None)
                duration, mark = source.frame.duration or 0, self._mark(source.frame)
                writer.finish(duration, mark, self.notes, each.state or {}, ends=following is None)
