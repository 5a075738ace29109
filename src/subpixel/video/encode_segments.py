"""The upscaled image of a video, encoded segment by segment into the journal's folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import chain
from typing import Any

import numpy as np

from subpixel.errors import VideoWriteError
from subpixel.video.decoding import Damage, frames_in_span, progressive_frames, read_frames
from subpixel.video.encoders import Encoding
from subpixel.video.formats import Layout, planes_of
from subpixel.video.frame import Frame, FrameUpscaler
from subpixel.video.frame_work import segment_frames
from subpixel.video.pipeline import Stages
from subpixel.video.segments import Journal, SegmentWriter
from subpixel.video.time_range import Span
from subpixel.video.video_file import VideoFile, VideoStream

__all__ = ["SEGMENT_FRAMES", "SegmentEncoder"]

# Frames of a segment at most: about as many as encoders put between key frames, so that segments add hardly any.
SEGMENT_FRAMES = 240


class SegmentEncoder:
    """Encodes a video's upscaled image, or resumes doing so.

    Args:
        video: the source.
        journal: where segments are written; those in it are not made again.
        upscaler: upscales the frames.
        encoding: how frames are encoded.
        video_stream: the encoded image's size, format and tags.
        layout: of the source's frames.
        deinterlace: turn interlaced frames into progressive ones.
        span: the part of the video to encode.
        work: of the networks with each frame, see :func:`subpixel.video.frame_work.frame_work`.
    """

    def __init__(
        self,
        video: VideoFile,
        journal: Journal,
        upscaler: FrameUpscaler,
        encoding: Encoding,
        video_stream: VideoStream,
        layout: Layout,
        *,
        deinterlace: bool = False,
        span: Span,
        work: float = 0.0,
    ) -> None:
        self._video, self._journal, self._encoding, self._stream = video, journal, encoding, video_stream
        self._upscaler, self._layout, self._deinterlace, self._span = upscaler, layout, deinterlace, span
        self._segment = segment_frames(work, SEGMENT_FRAMES)
        self._damage = Damage()
        self._earlier_notes: tuple[str, ...] = journal.segments[-1].notes if journal.segments else ()
        self._parameters: bytes | None = None
        self._count = self.frame_count
        self._stages: Stages[Frame, Frame] | None = None

    @property
    def frame_count(self) -> int:
        """Frames in all complete segments."""
        return sum(len(segment.times) for segment in self._journal.segments)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about damage in the video, as far as it was decoded."""
        return tuple(dict.fromkeys([*self._earlier_notes, *self._damage.notes()]))

    @property
    def seconds(self) -> dict[str, float]:
        """The seconds for which each stage worked until now, without waiting."""
        return {} if self._stages is None else self._stages.seconds

    def run(self, progress: Callable[[int], None]) -> None:
        """Encode every segment that is missing.

        Args:
            progress: is called with the number of encoded frames, from a thread of its own.
        """
        if self._journal.segments and self._journal.segments[-1].final:
            return
        if self._journal.segments:
            self._upscaler.restore(self._journal.state())
        with closing(self._source_frames()) as source:
            stages = Stages(source, self._push, self._flush, lambda frames: self._encode(frames, progress))
            self._stages = stages
            stages.run()

    def _source_frames(self) -> Generator[Frame]:
        """The frames that are not encoded yet."""
        frames = self._first_frames()
        with closing(frames):
            needed = frames_in_span(frames, self._span, self._video.stream.time_base)
            yield from progressive_frames(needed, self._video, self._deinterlace)

    def _first_frames(self) -> Generator[Frame]:
        """The frames from the first one that is not encoded yet."""
        return self._frames_after_journal() if self._journal.segments else self._read_frames(self._first_tick)

    @property
    def _first_tick(self) -> int | None:
        return self._span.first_tick(self._video.stream.time_base)

    def _read_frames(self, start: int | None) -> Generator[Frame]:
        return read_frames(self._video, self._damage, start=start, deinterlace=self._deinterlace)

    def _frames_after_journal(self) -> Generator[Frame]:
        """The frames after the last segment: its last frame is found by time and checked by its digest.

        If seeking in the video does not give that frame, the video is decoded from its beginning.
        """
        last = self._journal.segments[-1]
        frames = self._read_frames(last.times[-1])
        first = next(frames, None)
        if first is None or first.time != last.times[-1] or self._digest(first) != last.digest:
            self._damage.clear()
            frames = (frame for frame in self._read_frames(self._first_tick) if frame.time >= last.times[-1])
            next(frames, None)
        return frames

    def _digest(self, frame: Frame) -> str:
        digest = hashlib.blake2b(digest_size=16)
        for plane in planes_of(frame.source, self._layout):
            digest.update(np.ascontiguousarray(plane).data)
        return digest.hexdigest()

    def _push(self, frame: Frame) -> list[Frame]:
        return [self._complete(each) for each in self._upscaler.push(frame)]

    def _flush(self) -> list[Frame]:
        return [self._complete(each) for each in self._upscaler.flush()]

    def _complete(self, frame: Frame) -> Frame:
        """Set the result's time, and the state after a segment's last frame."""
        frame.result.pts, frame.result.time_base = frame.time, self._video.stream.time_base
        self._count += 1
        if self._count % self._segment == 0:
            frame.state = self._upscaler.state()
        return frame

    def _check_parameters(self, parameters: bytes) -> None:
        """Check that an encoder says the same about its packets as that of the segment before: a file says it once.

        Raises:
            VideoWriteError: it does not.
        """
        if self._parameters not in (None, parameters):
            name = self._encoding.encoder.name
            raise VideoWriteError(
                f"{self._journal.result}: encoder {name} describes its packets otherwise than before, so that they "
                "cannot become one stream; another encoder is needed"
            )
        self._parameters = parameters

    def _encode(self, frames: Iterator[Frame], progress: Callable[[int], None]) -> None:
        done = self.frame_count
        following = next(frames, None)
        while following is not None:
            context: Any = self._encoding.context(self._stream)
            self._check_parameters(context.extradata or b"")
            with SegmentWriter(self._journal, context) as writer:
                for frame in chain([following], frames):
                    writer.add(self._encoding.convert(frame.result, self._stream), frame.time)
                    done += 1
                    progress(done)
                    if frame.state is not None:
                        break
                # A full segment is finished before the next frame is waited for, or an interrupt would lose it.
                full = frame.state is not None
                duration, digest = frame.source.duration or 0, self._digest(frame)
                writer.finish(duration, digest, self.notes, frame.state or {}, final=not full)
            following = next(frames, None) if full else None
        self._journal.end(self.notes)
