"""Some segments of a video, encoded apart from those before them, to the bytes that the whole video's encoder writes.

A segment depends on its frames, and with a network that reads several frames also on those before. So a part begins to
decode early enough; what it makes of the frames before its own is thrown away. Whether the part follows the segment
before it is known afterwards: by the time and the digest of the frame between them, and by the state of the upscaler.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import VideoReadError
from subpixel.upscaler import MotionNetwork
from subpixel.video.decoding import Damage
from subpixel.video.encode_segments import SegmentEncoder
from subpixel.video.frame import Frame, State
from subpixel.video.request import Plan
from subpixel.video.segments import Journal

__all__ = ["MisplacedPart", "Part", "PartEncoder", "state_digest"]

# Numbers of scenes since the beginning, which results do not depend on.
_COUNTERS = ("sequence/numbers", "sequence/scenes")


class MisplacedPart(VideoReadError):
    """The frames that a part begins with are not where they were expected."""


@dataclass(frozen=True)
class Part:
    """Some segments of a video.

    Args:
        frames: how many frames, at most; a multiple of the frames of a segment.
        before: the time of the frame before the part; None if the part begins the video, or follows its journal.
        lead: the time of the frame to decode from, which may be ``before`` or an earlier one; None likewise.
    """

    frames: int
    before: int | None = None
    lead: int | None = None


class PartEncoder(SegmentEncoder):
    """Encodes a part of a video.

    Args:
        plan: of the whole video; its upscaler has no frames yet.
        journal: of the part. If it lists a segment, the part follows that one exactly, as in a run that is resumed.
        part: the part.
        deinterlace, work: as for the whole video.

    Attributes:
        more: whether the video goes on after the part.
        before_digest: of the frame before the part; empty if there is none.
        lead_state: the upscaler's state before the part's first frame.
        end_state: its state after the last one of a whole segment.
    """

    def __init__(self, plan: Plan, journal: Journal, part: Part, *, deinterlace: bool, work: float) -> None:
        super().__init__(
            plan.video,
            journal,
            plan.upscaler,
            plan.encoding,
            plan.stream,
            plan.layout,
            deinterlace=deinterlace,
            span=plan.selection.span,
            work=work,
        )
        self._part, self._results, self.more, self.before_digest = part, 0, False, ""
        moving = [net.model.spec for net in plan.frames_by.networks if isinstance(net, MotionNetwork)]
        self._ahead = max((spec.reach[1] for spec in moving), default=0)
        self.lead_state: State = {}
        self.end_state: State = {}

    def damage(self) -> Damage:
        """What was found wrong in this part: what lies before its first frame or after its last one is left out."""
        tick, damage, segments = self._video.stream.time_base, self._damage, self._journal.segments
        start = None if self._part.before is None else self._part.before * tick
        end = segments[-1].times[-1] * tick if self.more and segments else None

        def inside(time: Any) -> bool:
            return time is None or ((start is None or time > start) and (end is None or time <= end))

        return Damage(
            [time for time in damage.lost_packets if inside(time)],
            [time for time in damage.damaged_frames if inside(time)],
            [time for time in damage.unreadable if inside(time)],
            damage.moved_frames,
            damage.fitted,
            damage.losses,
            damage.zero,
        )

    def _first_frames(self) -> Generator[Frame]:
        return super()._first_frames() if self._part.lead is None else self._read_frames(self._part.lead)

    def _source_frames(self) -> Generator[Frame]:
        part, count, last = self._part, 0, None
        with closing(super()._source_frames()) as frames:
            for frame in frames:
                if last is None and part.lead is not None and frame.time != part.lead:
                    raise MisplacedPart(f"{self._video.path}: no frame is at {part.lead}")
                if part.before is not None and frame.time > part.before and not self.before_digest:
                    raise MisplacedPart(f"{self._video.path}: no frame is at {part.before}")
                last = frame.time
                if part.before is not None and frame.time <= part.before:
                    if frame.time == part.before:
                        self.before_digest = self._digest(frame)
                        self._damage.moved_frames = 0
                    if part.lead != part.before:
                        yield frame
                    continue
                count += 1
                if count > part.frames + self._ahead:
                    self.more = True
                    return
                yield frame

    def _push(self, frame: Frame) -> list[Frame]:
        return self._own(self._upscaler.push(frame))

    def _flush(self) -> list[Frame]:
        return self._own(self._upscaler.flush())

    def _own(self, frames: list[Frame]) -> list[Frame]:
        """The results of this part, completed."""
        own = []
        for frame in frames:
            if self._part.before is not None and frame.time <= self._part.before:
                if frame.time == self._part.before:
                    self.lead_state = self._upscaler.state()
                continue
            self._results += 1
            if self._results > self._part.frames:  # made from frames ahead, at the end of what is decoded
                self.more = True
                continue
            own.append(self._complete(frame))
        return own

    def _complete(self, frame: Frame) -> Frame:
        frame = super()._complete(frame)
        self.end_state = frame.state or {}
        return frame


def state_digest(state: Mapping[str, NDArray[Any]]) -> str:
    """What distinguishes a state from others that lead to other results; empty for none."""
    names = sorted(name for name in state if name not in _COUNTERS)
    if not names:
        return ""
    digest = hashlib.blake2b(digest_size=16)
    for name in names:
        array = np.ascontiguousarray(state[name])
        digest.update(f"{name} {array.dtype} {array.shape} ".encode() + array.tobytes())
    return digest.hexdigest()
